// How a carrier falls asleep and is fetched back: src/sched/idle.cc, with next_thread() of
// dispatch.cc and steal() of steal.cc, whose names it keeps.
//
// PROCESSORS carriers. The first runs a thread that makes PUSHES threads ready, on its own
// processor, and in between may give way, so that one of them is run; then it ends, or computes for
// ever without giving way. So do the threads that it has made, and the POSTS threads that a kernel
// thread posts to whichever inbox. The other carriers are idle at first.
//
// What a carrier stores in its own queue waits in a store buffer (x86-TSO) until it is flushed, at
// any moment, or by a locked instruction or a fence of that carrier; the others see the queue
// without it. All other words of the protocol change by locked instructions. A thread in the `next`
// slot counts as one that is queued where that is below WORTH: neither is worth a wake.
//
// Two promises are kept by different means, and looked at apart, when nothing moves any more:
//
//   PROMPT=1  Nobody sleeps while there is work worth sharing: found without the watch, whose time
//             is never over here.
//   PROMPT=0  Nobody sleeps while any thread waits to be run: found by the watch at the latest, whose
//             sleep has a limit, so that it counts as moving. That it finds what was left lying is
//             the formula `done`; there the threads that were made end when they are run.
//
//@ prove PROCESSORS=2 PUSHES=2 POSTS=0 WORTH=2 PROMPT=0
//@ prove PROCESSORS=2 PUSHES=2 POSTS=0 WORTH=2 PROMPT=1
//@ prove PROCESSORS=2 PUSHES=1 POSTS=1 WORTH=1 PROMPT=1 HOG
//@ prove PROCESSORS=2 PUSHES=2 POSTS=0 WORTH=2 PROMPT=0 LIVENESS cycles fair
//@ prove-long PROCESSORS=2 PUSHES=1 POSTS=1 WORTH=1 PROMPT=1 big
//@ prove-long PROCESSORS=2 PUSHES=2 POSTS=1 WORTH=2 PROMPT=0 big
//@ prove-long PROCESSORS=3 PUSHES=1 POSTS=0 WORTH=1 PROMPT=0 big
//@ prove-long PROCESSORS=3 PUSHES=2 POSTS=0 WORTH=2 PROMPT=0 HOG big
//@ prove-long PROCESSORS=3 PUSHES=2 POSTS=0 WORTH=2 PROMPT=1 HOG big
//@ without keep_watch: assertion violated
//@ without take_what_is_forgotten: acceptance cycle: PROCESSORS=2 PUSHES=2 POSTS=0 WORTH=2 PROMPT=0 LIVENESS cycles fair
//@ without fence_after_a_push: assertion violated: PROCESSORS=2 PUSHES=1 POSTS=1 WORTH=1 PROMPT=1 HOG
//@ without look_again: assertion violated: PROCESSORS=2 PUSHES=1 POSTS=1 WORTH=1 PROMPT=1 HOG
//@ without fence_before_the_look: assertion violated: PROCESSORS=2 PUSHES=1 POSTS=1 WORTH=1 PROMPT=1 HOG
//@ without barrier_in_post: assertion violated: PROCESSORS=2 PUSHES=1 POSTS=1 WORTH=1 PROMPT=1 HOG
//@ without last_searcher_looks: assertion violated: PROCESSORS=3 PUSHES=2 POSTS=0 WORTH=1 PROMPT=1 HOG
//@ without look_again_for_a_failed_wake: assertion violated: PROCESSORS=2 PUSHES=1 POSTS=1 WORTH=1 PROMPT=1 HOG
//@ without call_the_nearest_as_well: assertion violated: PROCESSORS=2 PUSHES=1 POSTS=1 WORTH=1 PROMPT=1 HOG
//@ without hand_over_the_watch: assertion violated: PROCESSORS=3 PUSHES=2 POSTS=0 WORTH=3 PROMPT=0 HOG
#include "step.pml"

#ifdef LIVENESS
#define ENDS 1
#else
#define ENDS 0
#endif
#define AWAKE 0
#define ASLEEP 1
#define CALLED 2

byte resting[PROCESSORS];
byte sleepers, searchers;
bit watched;
byte inbox[PROCESSORS];

typedef run_queue {
  byte size;      // as its owner sees it
  byte shown;     // as the others see it …
  byte later[4];  // … and what they will see
  byte stores;    // how many of `later` there are
}
run_queue queue[PROCESSORS];
byte dispatches[PROCESSORS], watched_dispatches[PROCESSORS];

byte undone = PUSHES + POSTS;  // threads that nobody has run yet

#define HAS_TO_SHARE(v) (queue[v].shown >= WORTH || inbox[v] > 0)
#define LOOKS_EMPTY(v) (queue[v].size == 0 && inbox[v] == 0)
#define FORGOTTEN(v) (queue[v].shown > 0 && dispatches[v] == watched_dispatches[v])

inline flush_one(o) {
  queue[o].shown = queue[o].later[0];
  queue[o].later[0] = queue[o].later[1];
  queue[o].later[1] = queue[o].later[2];
  queue[o].later[2] = queue[o].later[3];
  queue[o].later[3] = 0;
  queue[o].stores--
}

// A locked instruction or a fence of the owner's, or a membarrier.
inline drain(o) {
  queue[o].shown = queue[o].size;
  queue[o].later[0] = 0; queue[o].later[1] = 0; queue[o].later[2] = 0; queue[o].later[3] = 0;
  queue[o].stores = 0
}

// The owner's change of its queue.
inline put(o, change) {
  if :: queue[o].stores == 4 -> flush_one(o) :: else fi;
  queue[o].size = queue[o].size + change;
  assert(queue[o].size <= PUSHES + POSTS);
  queue[o].later[queue[o].stores] = queue[o].size;
  queue[o].stores++
}

// call(), as wake_one() does it: sets `done` if it has woken processor `o`.
inline call(o) {
  d_step { if :: !done && resting[o] == ASLEEP -> resting[o] = CALLED; done = 1 :: else fi }
}

#define OTHER(n) ((me + n) % PROCESSORS)
#if PROCESSORS == 2
#define CALL_ONE_OF_THE_OTHERS() call(OTHER(1))
#define LOOK_WHETHER_ANOTHER_RESTS() rests = resting[OTHER(1)] == ASLEEP
#define LOOK_FOR_WORK_TO_SHARE() \
  work = work || HAS_TO_SHARE(me); \
  work = work || HAS_TO_SHARE(OTHER(1))
#else
#define CALL_ONE_OF_THE_OTHERS() \
  if \
  :: call(OTHER(1)); if :: !done -> call(OTHER(2)) :: else fi \
  :: call(OTHER(2)); if :: !done -> call(OTHER(1)) :: else fi \
  fi
#define LOOK_WHETHER_ANOTHER_RESTS() \
  rests = resting[OTHER(1)] == ASLEEP; \
  rests = rests || resting[OTHER(2)] == ASLEEP
#define LOOK_FOR_WORK_TO_SHARE() \
  work = work || HAS_TO_SHARE(me); \
  work = work || HAS_TO_SHARE(OTHER(1)); \
  work = work || HAS_TO_SHARE(OTHER(2))
#endif

// wake_one(). Whom of the others it tries first is left open.
inline wake_one(me) {
  do
  :: d_step { done = searchers > 0; if :: !done -> searchers = 1 :: else fi };
     if :: done -> break :: else fi;
     CALL_ONE_OF_THE_OTHERS();
     // Nor must `near` itself be forgotten, which may have fallen asleep since its post.
     if :: STEP(call_the_nearest_as_well) -> call(me) :: else fi;
     if :: done -> break :: else fi;
     d_step { searchers--; done = searchers > 0 };
     if :: done || !STEP(look_again_for_a_failed_wake) -> break :: else fi;
     // Nobody slept: is it still so?
     LOOK_WHETHER_ANOTHER_RESTS();
     rests = rests || (resting[me] == ASLEEP && STEP(call_the_nearest_as_well));
     LOOK_FOR_WORK_TO_SHARE();
     if :: !rests || !work -> break :: else fi;
     d_step { rests = 0; work = 0 }
  od;
  true;
  d_step { done = 0; rests = 0; work = 0 }
}

#define WANTS_HELP() (!watched || queue[me].size >= WORTH)

inline call_for_help(me) {
  if :: STEP(fence_after_a_push) -> d_step { drain(me) } :: else fi;
  if :: sleepers > 0 && searchers == 0 -> wake_one(me) :: else fi
}

inline go_to_work(me) {
  d_step {
    drain(me);
    done = 0;
    if :: searching -> searchers--; done = searchers > 0 || !STEP(last_searcher_looks) :: else fi;
    searching = 0
  };
  if
  :: !done && sleepers > 0 ->
     work = !watched && STEP(hand_over_the_watch);
     LOOK_FOR_WORK_TO_SHARE();
     if :: work -> work = 0; wake_one(me) :: else fi
  :: else
  fi;
  done = 0
}

inline run_it(me) {
  dispatches[me]++;
  undone--
}

// The inbox goes to the queue, and the first of the queue is run next.
inline take_own(me) {
  d_step {
    if :: inbox[me] > 0 -> drain(me); put(me, inbox[me]); inbox[me] = 0 :: else fi;
    if :: queue[me].size > 0 -> put(me, -1); found = 1 :: else fi
  }
}

// From processor `o`: its inbox, else half of its queue. The first is run, the others are queued.
inline steal(me, o) {
  d_step {
    if
    :: !found && inbox[o] > 0 ->
       drain(me);
       put(me, inbox[o] - 1);
       inbox[o] = 0;
       found = 1
    :: else
    fi
  };
  d_step {
    if
    :: !found && queue[o].shown > 0 &&
       (HAS_TO_SHARE(o) || (slept && FORGOTTEN(o) && STEP(take_what_is_forgotten))) ->
       drain(o);  // begin_theft(): the owner has answered, or passed a membarrier
       drain(me);
       if
       :: queue[o].size > 0 ->
          put(me, (queue[o].size + 1) / 2 - 1);
          queue[o].size = queue[o].size / 2;
          queue[o].shown = queue[o].size;
          found = 1
       :: else
       fi
    :: else
    fi
  }
}

inline sleep(me) {
  if :: STEP(fence_before_the_look) -> d_step { drain(me); resting[me] = ASLEEP } :: else fi;
  if :: STEP(fence_before_the_look) -> d_step { sleepers++; asleep = sleepers } :: else fi;
  if :: searching -> searchers-- :: else fi;
  work = !LOOKS_EMPTY(me);  // anything_for()
  LOOK_FOR_WORK_TO_SHARE();
  if :: STEP(fence_before_the_look) :: else -> resting[me] = ASLEEP; sleepers++; asleep = sleepers fi;
  if
  :: work && STEP(look_again)
  :: else ->
     d_step {
       if :: asleep < PROCESSORS && STEP(keep_watch) && !watched -> on_watch = 1 :: else fi;
       watched = watched || on_watch
     };
     if
     :: on_watch -> d_step { note_dispatches() }
     :: else
     fi;
end_sleep:
     if
     :: resting[me] != ASLEEP
     :: on_watch && !PROMPT  // its time is over
     fi;
     if :: on_watch -> watched = 0 :: else fi
  fi;
  sleepers--;
  d_step {
    searching = resting[me] == CALLED;
    resting[me] = AWAKE;
    slept = 1;
    on_watch = 0; work = 0; asleep = 0
  }
}

inline note_dispatches() {
  watched_dispatches[0] = dispatches[0];
  watched_dispatches[1] = dispatches[1];
#if PROCESSORS > 2
  watched_dispatches[2] = dispatches[2]
#endif
}

#define me _pid
active [PROCESSORS] proctype carrier() {
  byte asleep, pushes;
  bit searching, slept, on_watch, found, done, rests, work;

  do  // the thread that the first carrier runs
  :: me > 0 -> break
  :: d_step { me == 0 && pushes < PUSHES -> pushes++; put(0, 1) };
     if :: WANTS_HELP() -> call_for_help(me) :: else fi  // work_appeared()
#ifndef HOG
  :: d_step { me == 0 && queue[0].size > 0 -> put(0, -1); run_it(0) }
  :: me == 0 && pushes == PUSHES -> break
#endif
  :: me == 0 && pushes == PUSHES -> pushes = 0; goto end_computing
  od;
  pushes = 0;

  do  // next_thread(), and the thread that it returns
  :: take_own(me);
     if
     :: !found ->
        if :: !searching -> d_step { drain(me); searchers++; searching = 1 } :: else fi;
        steal(me, OTHER(1));
#if PROCESSORS > 2
        if :: !found -> steal(me, OTHER(2)) :: else fi
#endif
     :: else
     fi;
     if
     :: found ->
        found = 0;
        if :: searching || slept -> go_to_work(me) :: else fi;
        if :: queue[me].size > 0 && WANTS_HELP() -> call_for_help(me) :: else fi;
        d_step { slept = 0; run_it(me) };
        if :: skip :: !ENDS -> goto end_computing fi
     :: !found && LOOKS_EMPTY(me) -> sleep(me)
     :: !found && !LOOKS_EMPTY(me)
     fi
  od;
end_computing:
  false
}
#undef me

active proctype store_buffers() {
end:
  do
  :: d_step { queue[0].stores > 0 -> flush_one(0) }
  :: d_step { queue[1].stores > 0 -> flush_one(1) }
#if PROCESSORS > 2
  :: d_step { queue[2].stores > 0 -> flush_one(2) }
#endif
  od
}

// post() and processor::post(), from a kernel thread.
#define me to
active proctype poster() {
  byte to, posts;
  bit done, rests, work;
  do
  :: posts == POSTS -> break
  :: else ->
     posts++;
     if :: to = 0 :: to = 1 fi;
     if :: STEP(barrier_in_post) -> inbox[to]++ :: else fi;
     d_step {
       if :: resting[to] == ASLEEP -> resting[to] = AWAKE; done = 1 :: else fi
     };
     if
     :: done
     :: else -> if :: sleepers > 0 && searchers == 0 -> wake_one(to) :: else fi
     fi;
     if :: STEP(barrier_in_post) :: else -> inbox[to]++ fi;
     d_step { done = 0; to = 0 }
  od
}
#undef me

#ifdef LIVENESS
ltl done { <> (undone == 0) }
#else
active proctype nothing_moves() {
  timeout ->
#if PROMPT
  assert(sleepers == 0 || (!HAS_TO_SHARE(0) && !HAS_TO_SHARE(1)));
#if PROCESSORS > 2
  assert(sleepers == 0 || !HAS_TO_SHARE(2))
#endif
#else
  assert(sleepers == 0 || undone == 0)
#endif
}
#endif
