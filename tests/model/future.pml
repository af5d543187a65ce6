// The shared state of a future: include/conc/detail/future_state.h and src/locks/future.cc.
//
// SETTERS tasks want to store a value; one may. WAITERS tasks wait for it; the first HURRIED of them
// have a deadline, which may pass at any moment. The last waiter to return destroys the state if the
// value is there, promise and all, though the setter may still be inside set_value(). Then an object
// of another kind is made at its address, and a stranger waits for that one: nobody may wake him.
//
// The word is made of the bits satisfied, ready and waiting; each change of it is one step. A timed
// wait leaves `waiting` behind.
//
//@ prove SETTERS=2 WAITERS=2 HURRIED=1
//@ prove-long SETTERS=2 WAITERS=3 HURRIED=2 big
//@ without claim: assertion violated
//@ without store_before_ready: assertion violated
//@ without say_waiting: invalid end state
//@ without say_and_look_in_one_step: invalid end state
//@ without look_under_the_lock: invalid end state
//@ without look_after_the_wake: assertion violated
//@ without wake_all: invalid end state
//@ without no_touch_once_ready: assertion violated
//@ without wake_ones_own_kind: assertion violated
#include "step.pml"

bit satisfied, ready, waiting;
bit bucket;
bit queued[WAITERS], woken[WAITERS];
bit stranger_queued, stranger_woken;
byte stored, setters_done, returned;
bit alive = 1;

#define TOUCH() assert(alive)

// fetch_or(waiting) in the closure of park()
inline say_waiting(me) {
  if
  :: STEP(say_and_look_in_one_step) ->
     d_step {
       TOUCH();
       if :: STEP(look_under_the_lock) -> parked = !ready :: else fi;
       if :: STEP(say_waiting) -> waiting = 1 :: else fi
     }
  :: else ->
     d_step { TOUCH(); parked = !ready };  // without STEP(say_and_look_in_one_step)
     d_step { TOUCH(); waiting = 1 }       // without STEP(say_and_look_in_one_step)
  fi
}

proctype waiter(byte me; bit hurried) {
  bit parked, late;
  d_step { TOUCH(); parked = !ready };  // wait_until()
  if
  :: !parked
  :: else ->
     LOCK(bucket);  // park_until()
     say_waiting(me);
     d_step { queued[me] = parked; UNLOCK(bucket) }
  fi;
  if
  :: !parked
  :: parked && woken[me]   // suspend()
  :: parked && hurried ->  // withdraw_from_table()
     LOCK(bucket);
     d_step { late = queued[me]; queued[me] = 0; UNLOCK(bucket) };
     if :: late :: else -> woken[me] == 1 fi
  fi;
  d_step {
    TOUCH();
    if :: late && STEP(look_after_the_wake) -> late = !ready :: else fi;
    // Not ready: then the deadline came before the value, as far as this waiter can know.
    assert(!late || !ready);
    assert(late || stored == 1);
    returned++;
    if :: returned == WAITERS && ready && setters_done == SETTERS -> alive = 0 :: else fi
  }
}

inline store() {
  d_step { TOUCH(); stored++; assert(stored == 1) }
}

proctype setter() {
  bit mine, seen, others;
  byte i;
  d_step {  // claim(): the others throw
    TOUCH();
    mine = !satisfied || !STEP(claim);
    satisfied = 1;
    if :: !mine -> setters_done++ :: else fi
  };
  if
  :: !mine
  :: else ->
     if :: STEP(store_before_ready) -> store() :: else fi;
     d_step {  // make_ready()
       TOUCH();
       seen = waiting;
       ready = 1;
       setters_done++
     };
     if :: STEP(store_before_ready) :: else -> store() fi;
     if
     :: !seen
     :: else ->
        LOCK(bucket);  // unpark_all()
        if :: STEP(no_touch_once_ready) :: else -> TOUCH() fi;
        d_step {
          if
          :: stranger_queued && !STEP(wake_ones_own_kind) -> stranger_queued = 0; stranger_woken = 1
          :: else
          fi;
          i = 0;
          do
          :: i == WAITERS -> break
          :: else ->
             if
             :: queued[i] && (!others || STEP(wake_all)) -> queued[i] = 0; woken[i] = 1; others = 1
             :: else
             fi;
             i++
          od;
          i = 0;
          UNLOCK(bucket)
        }
     fi
  fi
}

active proctype stranger() {
end:
  !alive;
  LOCK(bucket);
  stranger_queued = 1;
  UNLOCK(bucket);
end_waits:
  stranger_woken -> assert(false)  // without STEP(wake_ones_own_kind)
}

init {
  byte i;
  atomic {
    do
    :: i == WAITERS -> break
    :: else -> run waiter(i, i < HURRIED); i++
    od;
    i = 0;
    do
    :: i == SETTERS -> break
    :: else -> run setter(); i++
    od
  };
  _nr_pr == 2;  // and the stranger
  assert(stored == 1 && ready)
}
