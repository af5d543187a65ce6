// The latch: include/conc/latch.h and src/locks/latch.cc.
//
// COUNTERS tasks count down once each, WAITERS tasks wait. The last waiter to return destroys the
// latch; the count_down() that has released it may still be on its way.
//
//@ prove COUNTERS=2 WAITERS=2
//@ prove-long COUNTERS=3 WAITERS=3 big
//@ without say_waiting: invalid end state
//@ without say_it_in_one_step: invalid end state
//@ without look_again_in_the_section: invalid end state
//@ without no_touch_after_the_wake: assertion violated
//@ without wake_all: invalid end state
#include "step.pml"

#define HAS_WAITERS 1

short word = COUNTERS * 2;  // 2 * count + (1 if somebody is queued)
bit bucket;
byte queued;        // how many; they are woken all at once
byte woken;         // resume()s that have not ended a suspend() yet
byte down, returned;
bit alive = 1;

#define TOUCH() assert(alive)

active [WAITERS] proctype waiter() {
  short seen;
  bit parked;
  d_step { TOUCH(); seen = word };  // wait(): try_wait()
  if
  :: seen <= HAS_WAITERS
  :: else ->
     LOCK(bucket);  // wait_slow(): the closure of park(), a loop that ends in a compare-and-swap
     d_step {
       TOUCH();
       if :: STEP(look_again_in_the_section) -> seen = word :: else fi;
       if
       :: seen <= HAS_WAITERS
       :: else ->
          parked = 1;
          if :: STEP(say_waiting) && STEP(say_it_in_one_step) -> word = word | HAS_WAITERS :: else fi
       fi
     };
     if
     :: parked ->
        if :: STEP(say_it_in_one_step) :: else -> TOUCH(); word = seen | HAS_WAITERS fi;
        queued++
     :: else
     fi;
     UNLOCK(bucket);
     if
     :: parked -> atomic { woken > 0 -> woken-- }  // which of them is woken makes no difference
     :: else
     fi
  fi;
  d_step {
    assert(down == COUNTERS);  // every count_down() has happened before
    returned++;
    if :: returned == WAITERS -> alive = 0 :: else fi
  }
}

active [COUNTERS] proctype counter() {
  short after;
  byte freed;
  d_step { TOUCH(); down++; word = word - 2; after = word };  // count_down()
  if
  :: after == HAS_WAITERS ->  // count_down_slow()
     LOCK(bucket);
     freed = (STEP(wake_all) -> queued : 1);
     queued = queued - freed;
     UNLOCK(bucket);
     do
     :: freed == 0 -> break
     :: else -> freed--; woken++
     od;
     if :: STEP(no_touch_after_the_wake) :: else -> TOUCH() fi
  :: else
  fi
}
