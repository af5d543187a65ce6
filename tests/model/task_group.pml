// task_group: who is counted, and that wait() returns when all children have ended and never
// before. src/sched/fork_stack.h and task_group.cc, with run_child_first() and return_to_parent() of
// carrier.cc, launch_in() and thread_main() of thread_life.cc, take_with_forks() of processor.h,
// steal() and the blocking section's beginning.
//
// CHILDREN children at most are started, by the owner or by one another, on top of the parent or
// queued. Every child may suspend itself once, or enter a blocking section; it is made ready on
// whichever processor. The two processors take from their own queue or their own
// fork stack, in any order, and steal from each other's. After its wait() the owner destroys the
// group.
//
// The section of a processor's queue, with the switch that it extends over, is one step here:
// run_queue.pml and park_switch.pml are about that. So is the processor after the lending: it goes
// on with another carrier (lending.pml).
//
//@ prove CHILDREN=2
//@ prove CHILDREN=3
//@ without count_the_separated: assertion violated
//@ without clear_the_mark: assertion violated
//@ without look_in_the_section: assertion violated
//@ without separate_who_leaves: assertion violated
//@ without separate_before_lending: assertion violated
//@ without count_before_queueing: assertion violated
//@ without say_under_the_lock: assertion violated
//@ without look_again: assertion violated
//@ without wake_the_owner: assertion violated
//@ without last_look_before_the_wake: assertion violated
#include "step.pml"

#define THREADS (CHILDREN + 1)
#define OWNER 0
#define NOBODY 9
#define ONE_CHILD 2
#define OWNER_WAITS 1

// The group.
short word;
bit alive = 1;
bit bucket;
bit owner_parked;
byte started, ended;  // children

byte at[THREADS];        // what the thread does next
bit attached[THREADS];   // tcb::attached
byte on_top[THREADS];    // tcb::prev_waiter of an entry: the attached child, or NOBODY
bit suspended[THREADS];  // somebody will make it ready
bit over[THREADS];

// First those of processor 0, then those of 1.
byte queue[2 * THREADS], forks[2 * THREADS];
byte length[2], depth[2];

#define TOUCH() assert(alive)

inline make_ready(p, t) {
  queue[(p) * THREADS + length[p]] = t;
  length[p]++
}

inline pop_front(p, t) {
  t = queue[(p) * THREADS];
  queue[(p) * THREADS] = queue[(p) * THREADS + 1];
  queue[(p) * THREADS + 1] = queue[(p) * THREADS + 2];
#if CHILDREN > 2
  queue[(p) * THREADS + 2] = queue[(p) * THREADS + 3];
#endif
  queue[(p) * THREADS + CHILDREN] = 0;
  length[p]--
}

// fork_stack::separate()
inline separate(parent) {
  if
  :: on_top[parent] != NOBODY ->
     if
     :: STEP(count_the_separated) -> TOUCH(); word = word + ONE_CHILD
     :: else
     fi;
     if :: STEP(clear_the_mark) -> attached[on_top[parent]] = 0 :: else fi;
     on_top[parent] = NOBODY
  :: else
  fi
}

inline separate_top(p) {
  if :: depth[p] > 0 -> separate(forks[(p) * THREADS + depth[p] - 1]) :: else fi
}

inline take_top(p, t) {
  assert(depth[p] > 0);
  depth[p]--;
  t = forks[(p) * THREADS + depth[p]];
  forks[(p) * THREADS + depth[p]] = 0
}

inline take_bottom(p, t) {
  t = forks[(p) * THREADS];
  forks[(p) * THREADS] = forks[(p) * THREADS + 1];
  forks[(p) * THREADS + 1] = forks[(p) * THREADS + 2];
#if CHILDREN > 2
  forks[(p) * THREADS + 2] = forks[(p) * THREADS + 3];
#endif
  forks[(p) * THREADS + CHILDREN] = 0;
  depth[p]--
}

// leave_carrier(), leave_for_ever(): the next one is whoever is ready here, or the scheduler's loop,
// which will find it. In one step with what the caller does to be found.
inline leave(p) {
  if :: STEP(separate_who_leaves) -> separate_top(p) :: else fi;
  cur = NOBODY
}

// launch_in()
inline run_child(p) {
  if
  :: atomic {  // run_child_first()
       on_top[cur] = child;
       forks[p * THREADS + depth[p]] = cur;
       depth[p]++;
       attached[child] = 1;
       cur = child;
       child = 0
     }
  :: true ->
     if :: STEP(count_before_queueing) -> d_step { TOUCH(); word = word + ONE_CHILD } :: else fi;
     d_step { make_ready(p, child); child = 0 };
     if :: STEP(count_before_queueing) :: else -> d_step { TOUCH(); word = word + ONE_CHILD } fi
  fi
}

// thread_main() after the child's function, and child_done()
inline end_child(p) {
  mark = attached[cur];
  atomic {
    if :: STEP(look_in_the_section) -> mark = attached[cur] :: else fi;
    if
    :: mark ->
       // return_to_parent(), publish_childs_end()
       attached[cur] = 0;
       over[cur] = 1;
       ended++;
       take_top(p, t);
       assert(on_top[t] == cur);
       on_top[t] = NOBODY;
       cur = t;
       t = 0
    :: else
    fi
  };
  if
  :: mark
  :: else ->
     d_step { TOUCH(); before = word; word = word - ONE_CHILD; over[cur] = 1; ended++ };
     if
     :: before == ONE_CHILD + OWNER_WAITS && STEP(wake_the_owner) ->
        LOCK(bucket);
        d_step { if :: owner_parked -> owner_parked = 0; make_ready(p, OWNER) :: else fi };
        UNLOCK(bucket);
        if :: STEP(last_look_before_the_wake) :: else -> TOUCH() fi
     :: else
     fi;
     d_step { before = 0; leave(p) }
  fi;
  mark = 0
}

active [2] proctype carrier() {
  byte cur = NOBODY, t, child;
  short before;
  bit mark;

end:
  do
  // The scheduler's loop: what is ready here, a parent of ours, something of the other's.
  :: atomic { cur == NOBODY && length[_pid] > 0 -> pop_front(_pid, cur); assert(!suspended[cur]) }
  :: atomic { cur == NOBODY && depth[_pid] > 0 ->
              separate_top(_pid); take_top(_pid, cur); assert(on_top[cur] == NOBODY) }
  :: atomic { cur == NOBODY && length[1 - _pid] > 0 -> pop_front(1 - _pid, cur) }
  :: atomic { cur == NOBODY && depth[1 - _pid] > 0 ->
              separate(forks[(1 - _pid) * THREADS]); take_bottom(1 - _pid, cur) }

  // The owner and the children may start a child, then another, …
  :: d_step {
       cur != NOBODY && at[cur] == 0 && started < CHILDREN -> started++; child = started
     };
     run_child(_pid)
  :: cur == OWNER && at[OWNER] == 0 -> at[OWNER] = 2
  :: cur == OWNER && at[OWNER] == 2 ->
     // wait(), wait_slow(), park()
     at[OWNER] = 3;
     if
     :: word == 0
     :: else ->
        if :: STEP(say_under_the_lock) :: else -> word = word | OWNER_WAITS fi;
        LOCK(bucket);
        d_step {
          mark = word != 0 || !STEP(look_again);
          if :: mark -> word = word | OWNER_WAITS :: else fi
        };
        if
        :: mark -> d_step { mark = 0; owner_parked = 1; leave(_pid); UNLOCK(bucket) }
        :: else -> UNLOCK(bucket)
        fi
     fi
  :: cur == OWNER && at[OWNER] == 3 ->
     word = 0;
     d_step {
       at[OWNER] = 4;
       assert(ended == started);
       alive = 0;
       over[OWNER] = 1;
       leave(_pid)
     }

  // … and a child may suspend itself, or enter a blocking section; then it ends.
  :: cur != OWNER && cur != NOBODY && at[cur] == 0 ->
     at[cur] = 2;
     if
     :: d_step { suspended[cur] = 1; leave(_pid) }
     :: d_step {
          if :: STEP(separate_before_lending) -> separate_top(_pid) :: else fi;
          suspended[cur] = 1;
          cur = NOBODY
        }
     :: skip
     fi
  :: cur != OWNER && cur != NOBODY && at[cur] == 2 -> end_child(_pid)
  od
}

active proctype wakers() {
end:
  do
  :: d_step { suspended[1] -> suspended[1] = 0; make_ready(0, 1) }
  :: d_step { suspended[1] -> suspended[1] = 0; make_ready(1, 1) }
  :: d_step { suspended[2] -> suspended[2] = 0; make_ready(0, 2) }
  :: d_step { suspended[2] -> suspended[2] = 0; make_ready(1, 2) }
#if CHILDREN > 2
  :: d_step { suspended[3] -> suspended[3] = 0; make_ready(0, 3) }
  :: d_step { suspended[3] -> suspended[3] = 0; make_ready(1, 3) }
#endif
  od
}

init {
  d_step {
    on_top[0] = NOBODY; on_top[1] = NOBODY; on_top[2] = NOBODY;
#if CHILDREN > 2
    on_top[3] = NOBODY;
#endif
    make_ready(0, OWNER)
  }
}

active proctype nothing_moves() {
  timeout -> assert(over[OWNER] && ended == started)
}
