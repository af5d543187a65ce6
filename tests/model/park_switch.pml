// How a user-level thread leaves its carrier and is run again: no thread may be run before its
// registers are saved, nor twice at a time. src/sched/carrier.cc (leave_carrier(), leave_for_ever(),
// yield_here(), resume_user_thread()), src/threads/join.cc and publish_end() of thread_life.cc.
//
// Two carriers, each with its processor, run three threads. The sleeper parks until the waker, which
// yields first, has woken it, joins the waker and ends. A third thread yields and ends; a kernel
// thread may do the waking instead. Carriers take threads from each other's queues.
//
// A switch has two steps: the leaver's registers are saved, the successor's are loaded. What follows
// runs on the successor's stack: the section of the queue ends, and the leaver is published.
//
// Not here: the queue's lock (run_queue.pml), the parking table but for one waiter, sleeping carriers
// (idle.pml).
//
//@ prove
//@ without publish_after_saving: assertion violated
//@ without end_after_leaving: assertion violated
//@ without section_until_arrival: assertion violated
//@ without validate: assertion violated (ended
//@ without join_look_again: assertion violated (ended
//@ without leave_empty_slot_alone: assertion violated (ended
//@ without say_done_to_a_parked_joiner: assertion violated
#include "step.pml"

#define THREADS 3
#define SLEEPER 0
#define WAKER 1
#define THIRD 2
#define IDLE 3     // + the number of the carrier: its own stack
#define NOBODY 9

// What is published.
#define NOTHING 0
#define BUCKET 1
#define JOINER 2
#define END 3
#define END_TO_JOINER 4

// tcb::join
#define JOIN_NONE 0
#define JOIN_DONE 1
#define JOINED_BY 2  // + the joiner

bit saved[5];          // the registers are in memory, not in a carrier
byte step[THREADS];    // what the thread does next
bit section[2];        // of the processors' queues
byte queue[6];         // of processor 0: 0 … 2, of 1: 3 … 5
byte length[2];
byte next[2] = NOBODY;
byte inbox = NOBODY;   // for one thread, to whoever comes first

bit bucket;
bit come_true;         // what the sleeper waits for
bit parked;
byte join = JOIN_NONE; // of the waker
byte ended;
bit begun;
bit by_kernel;         // the kernel thread does the waking

inline push_back(p, t) {
  queue[(p) * THREADS + length[p]] = t;
  length[p]++
}

inline pop_front(p, t) {
  if
  :: length[p] == 0 -> t = NOBODY
  :: else ->
     t = queue[(p) * THREADS];
     queue[(p) * THREADS] = queue[(p) * THREADS + 1];
     queue[(p) * THREADS + 1] = queue[(p) * THREADS + 2];
     queue[(p) * THREADS + 2] = 0;
     length[p]--
  fi
}

// take_in_section()
inline take(p, t) {
  d_step {
    if
    :: next[p] != NOBODY -> t = next[p]; next[p] = NOBODY
    :: else -> pop_front(p, t)
    fi
  }
}

// resume_user_thread(): fill_next(), without a section. Only the sleeper is ever woken, so that
// nobody is there to be displaced.
inline make_ready(p, t) {
  assert(next[p] == NOBODY);
  next[p] = t
}

// switch_to_thread() or switch_to_idle(), from `cur` to `to`, inside the section. When `cur` runs
// again, or the one that has ended, nothing follows in this carrier: it goes on with `to`.
inline switch_to(p, to, what) {
  if :: STEP(section_until_arrival) :: else -> UNLOCK(section[p]) fi;
  if :: STEP(publish_after_saving) || what == END :: else -> publish(p, what) fi;
  if :: STEP(end_after_leaving) || what != END :: else -> publish(p, what) fi;
  d_step { assert(!saved[cur]); saved[cur] = 1 };
  d_step { assert(saved[to]); saved[to] = 0; from = cur; cur = to };
  if :: STEP(section_until_arrival) -> UNLOCK(section[p]) :: else fi;
  if
  :: (STEP(publish_after_saving) || what == END) && (STEP(end_after_leaving) || what != END) ->
     publish(p, what)
  :: else
  fi;
  d_step { from = 0; what = NOTHING }
}

inline publish(p, what) {
  if
  :: what == NOTHING
  :: what == BUCKET -> UNLOCK(bucket)
  :: what == JOINER ->
     // publish_joiner()
     d_step { got = join == JOIN_NONE; if :: got -> join = JOINED_BY + SLEEPER :: else fi };
     if :: !got && STEP(join_look_again) -> make_ready(p, SLEEPER) :: else fi;
     got = 0
  :: what == END ->
     // publish_end(): the stack goes back, so it must have been left.
     assert(saved[WAKER]);
     d_step { got = join != JOIN_NONE; join = JOIN_DONE; ended++ };
     if :: got -> make_ready(p, SLEEPER) :: else fi;
     got = 0
  :: what == END_TO_JOINER ->
     assert(saved[WAKER]);
     d_step {
       if :: STEP(say_done_to_a_parked_joiner) -> join = JOIN_DONE :: else fi;
       ended++
     }
  fi
}

// leave_carrier() of the running thread.
inline leave(p, what) {
  LOCK(section[p]);
  take(p, other);
  if :: other == NOBODY -> other = IDLE + p :: else fi;
  switch_to(p, other, what)
}

inline yield(p) {
  LOCK(section[p]);
  if
  :: next[p] == NOBODY && length[p] == 0 -> UNLOCK(section[p])
  :: else ->
     // Queued before it has left: the section keeps thieves away until it has.
     d_step { push_back(p, cur) };
     take(p, other);
     what = NOTHING;
     switch_to(p, other, what)
  fi
}

// The waker's unpark_one().
inline wake(p) {
  come_true = 1;
  LOCK(bucket);
  d_step { got = parked; parked = 0 };
  UNLOCK(bucket);
  if :: got -> got = 0; make_ready(p, SLEEPER) :: else fi
}

active [2] proctype carrier() {
  byte cur = IDLE + _pid;
  byte other, from, what;
  bit got;

end:
  do
  // The scheduler's loop: its own queue, what was posted, the other's queue.
  :: cur == IDLE + _pid &&
     (next[_pid] != NOBODY || next[1 - _pid] != NOBODY || length[_pid] + length[1 - _pid] > 0 ||
      inbox != NOBODY) ->
     other = NOBODY;
     if
     :: next[_pid] != NOBODY || length[_pid] > 0 ->
        LOCK(section[_pid]);
        take(_pid, other);
        UNLOCK(section[_pid])
     :: else ->
        d_step { if :: inbox != NOBODY -> other = inbox; inbox = NOBODY :: else fi };
        if
        :: other == NOBODY ->
           LOCK(section[1 - _pid]);
           d_step { assert(true); pop_front(1 - _pid, other) };
           if
           :: other == NOBODY ->
              // A thread that lies forgotten in the slot. One that is empty may be filled just now.
              other = next[1 - _pid];
              if
              :: other != NOBODY || !STEP(leave_empty_slot_alone) -> next[1 - _pid] = NOBODY
              :: else
              fi
           :: else
           fi;
           UNLOCK(section[1 - _pid])
        :: else
        fi
     fi;
     if
     :: other != NOBODY ->
        LOCK(section[_pid]);
        what = NOTHING;
        switch_to(_pid, other, what)
     :: else
     fi;
     other = 0

  :: cur == SLEEPER && step[SLEEPER] == 0 ->
     // park()
     LOCK(bucket);
     step[SLEEPER] = 1;
     if
     :: come_true && STEP(validate) -> UNLOCK(bucket)
     :: else -> parked = 1; what = BUCKET; leave(_pid, what)
     fi
  :: cur == SLEEPER && step[SLEEPER] == 1 ->
     // await_end() of the waker
     step[SLEEPER] = 2;
     if
     :: join == JOIN_DONE
     :: else -> what = JOINER; leave(_pid, what)
     fi
  :: cur == SLEEPER && step[SLEEPER] == 2 ->
     assert(come_true && join == JOIN_DONE && step[WAKER] == 3);
     // The end itself is like the waker's, but nobody waits for it.
     d_step { step[SLEEPER] = 3; ended++ };
     what = NOTHING;
     leave(_pid, what)

  :: cur == WAKER && step[WAKER] == 0 -> step[WAKER] = 1; yield(_pid)
  :: cur == WAKER && step[WAKER] == 1 ->
     step[WAKER] = 2;
     if :: by_kernel :: else -> wake(_pid) fi
  :: cur == WAKER && step[WAKER] == 2 ->
     // leave_for_ever()
     step[WAKER] = 3;
     LOCK(section[_pid]);
     take(_pid, other);
     if
     :: other != NOBODY -> what = END; switch_to(_pid, other, what)
     :: other == NOBODY && join >= JOINED_BY ->
        // parked_joiner(): straight to it.
        other = join - JOINED_BY;
        what = END_TO_JOINER;
        switch_to(_pid, other, what)
     :: other == NOBODY && join < JOINED_BY ->
        other = IDLE + _pid;
        what = END;
        switch_to(_pid, other, what)
     fi

  :: cur == THIRD && step[THIRD] == 0 -> step[THIRD] = 1; yield(_pid)
  :: cur == THIRD && step[THIRD] == 1 ->
     d_step { step[THIRD] = 2; ended++ };
     what = NOTHING;
     leave(_pid, what)
  od
}

// A kernel thread that wakes the sleeper: resume() posts it to an inbox.
active proctype kernel_thread() {
  bit got;
  begun;
  if
  :: by_kernel ->
     come_true = 1;
     LOCK(bucket);
     d_step { got = parked; parked = 0 };
     UNLOCK(bucket);
     if :: got -> inbox = SLEEPER :: else fi
  :: else
  fi
}

init {
  if :: by_kernel = 0 :: by_kernel = 1 fi;
  d_step {
    saved[SLEEPER] = 1; saved[WAKER] = 1; saved[THIRD] = 1;
    push_back(0, SLEEPER); push_back(0, WAKER); push_back(0, THIRD);
    begun = 1
  }
}

active proctype nothing_moves() {
  timeout -> assert(ended == THREADS)
}
