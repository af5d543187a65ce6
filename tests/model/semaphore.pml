// The signed semaphore with deadlines: include/conc/semaphore.h and src/locks/semaphore.cc.
//
// ACQUIRERS tasks acquire once each; the first HURRIED of them have a deadline, which may pass at
// any moment, and give up then. RELEASERS tasks release as many permits as there are acquirers: the
// first one gives one, the last one the rest at once. So an acquirer that sleeps for ever, an
// invalid end state, has been robbed; and a permit made of nothing, or lost, shows in the count at
// the end. The last that gets a permit destroys the semaphore, if everybody got one: the releasers
// may still be inside release().
//
// A compare-and-swap is one step, and its loop is not shown: it fails only to be tried again. Loads
// and plain stores are steps of their own, so that the claim is proved that only the holder of the
// bucket's lock changes a negative value.
//
//@ prove ACQUIRERS=2 RELEASERS=2 HURRIED=1
//@ prove ACQUIRERS=3 RELEASERS=1 HURRIED=1
//@ prove-long ACQUIRERS=3 RELEASERS=2 HURRIED=2 big
//@ prove-long ACQUIRERS=4 RELEASERS=2 HURRIED=1 big
//@ without look_again: assertion violated
//@ without count_by_swap: invalid end state
//@ without uncount_who_leaves: assertion violated
//@ without leave_only_from_the_queue: assertion violated
//@ without no_store_when_nobody_waits: assertion violated
//@ without look_under_the_lock: assertion violated
//@ without grant_no_more_than_wait: assertion violated: ACQUIRERS=3 RELEASERS=1 HURRIED=1
//@ without last_access_under_the_lock: assertion violated
#include "step.pml"

short value;  // value_: permits, or minus the number of the queued
bit bucket;
byte queue[ACQUIRERS];
byte length;
bit granted[ACQUIRERS];
byte woken[ACQUIRERS];
bit alive = 1;

// For the claims.
byte taken_out;  // who is queued, but no longer counted: he is about to be taken off
byte released, got_one;

#define TOUCH() assert(alive)
#define WAITING(v) (v < 0 -> -v : 0)

inline resume(t) {
  atomic { assert(woken[t] == 0); woken[t] = 1 }
}

inline take_off(t) {
  i = 0;
  do :: queue[i] == t -> break :: else -> i++ od;
  length--;
  do :: i == length -> break :: else -> queue[i] = queue[i + 1]; i++ od;
  queue[i] = 0;
  i = 0
}

inline unlock_bucket() {
  d_step { assert(!alive || length == WAITING(value)); UNLOCK(bucket) }
}

// must_wait(), and enqueue()
inline must_wait(me) {
  if
  :: STEP(count_by_swap) ->
     d_step {
       TOUCH();
       seen = value;
       if
       :: seen < 0
       :: seen == 0 -> value--; parked = 1
       :: seen > 0 && STEP(look_again) -> value--
       :: seen > 0 && !STEP(look_again) -> value--; parked = 1
       fi
     }
  :: else ->
     seen = value;  // without STEP(count_by_swap)
     if
     :: seen == 0 -> parked = 1  // without STEP(count_by_swap)
     :: else
     fi;
     if
     :: seen >= 0 -> value = seen - 1  // without STEP(count_by_swap)
     :: else  // without STEP(count_by_swap)
     fi
  fi;
  if
  :: seen < 0 -> d_step { TOUCH(); value = seen - 1; parked = 1 }
  :: else
  fi;
  d_step { if :: parked -> queue[length] = me; length++ :: else fi; seen = 0 }
}

proctype acquirer(byte me; bit hurried) {
  short seen;
  byte i;
  bit parked, gave_up, got;
  d_step {  // try_acquire(). Who finds a permit passes nobody: those who wait are counted.
    TOUCH();
    if :: value > 0 -> assert(length == taken_out); value--; got = 1 :: else fi
  };
  if
  :: got
  :: else ->
     LOCK(bucket);  // wait(), wait_until(), park()
     must_wait(me);
     unlock_bucket()
  fi;
  if
  :: !parked
  :: parked -> woken[me] == 1  // suspend()
  :: parked && hurried ->      // withdraw_from_table()
     LOCK(bucket);
     if
     :: granted[me] && STEP(leave_only_from_the_queue)  // in no queue any more
     :: else ->
        d_step { TOUCH(); seen = value };  // leave_on_timeout()
        d_step {
          if :: STEP(uncount_who_leaves) -> value = seen + 1 :: else fi;
          seen = 0;
          taken_out++
        };
        d_step {
          i = 0;
          if :: !granted[me] -> take_off(me) :: else fi;
          taken_out--;
          gave_up = 1
        }
     fi;
     unlock_bucket();
     if :: gave_up :: else -> woken[me] == 1 fi
  fi;
  d_step {
    i = 0;
    if
    :: gave_up -> assert(!granted[me])
    :: else -> got_one++; if :: got_one == ACQUIRERS -> assert(value == 0); alive = 0 :: else fi
    fi;
    parked = 0; got = 0
  }
}

inline store_what_is_left() {
  d_step { TOUCH(); value = seen + n; released = released + n }
}

proctype releaser(byte n) {
  short seen;
  byte t, i, freed[ACQUIRERS], count;
  bit done;
  do
  :: done -> break
  :: else ->
     d_step {  // release()
       TOUCH();
       seen = value;
       if :: seen >= 0 -> value = seen + n; released = released + n; done = 1 :: else fi
     };
     if
     :: done -> break
     :: else
     fi;
     LOCK(bucket);  // release_slow()
     if :: STEP(look_under_the_lock) -> d_step { TOUCH(); seen = value } :: else fi;
     if
     :: seen >= 0 && STEP(no_store_when_nobody_waits)  // the last waiter has given up meanwhile
     :: else ->
        d_step {
          count = (!STEP(grant_no_more_than_wait) || n < WAITING(seen) -> n : WAITING(seen));
          taken_out = count
        };
        if :: STEP(last_access_under_the_lock) -> store_what_is_left() :: else fi;
        do
        :: taken_out == 0 -> break
        :: else ->
           d_step {
             assert(length > 0);
             t = queue[0];
             take_off(t);
             granted[t] = 1;
             taken_out--;
             freed[taken_out] = t;
             t = 0
           }
        od;
        done = 1
     fi;
     if
     :: STEP(last_access_under_the_lock) -> unlock_bucket()
     :: else -> UNLOCK(bucket)  // without STEP(last_access_under_the_lock)
     fi;
     do
     :: count == 0 -> break
     :: else -> count--; resume(freed[count])
     od;
     if :: STEP(last_access_under_the_lock) :: else -> store_what_is_left() fi;
     seen = 0
  od
}

init {
  byte i;
  atomic {
    do
    :: i == ACQUIRERS -> break
    :: else -> run acquirer(i, i < HURRIED); i++
    od;
#if RELEASERS == 1
    run releaser(ACQUIRERS)
#else
    run releaser(1);
    run releaser(ACQUIRERS - 1)
#endif
  };
  _nr_pr == 1;
  assert(value == ACQUIRERS - got_one && length == 0 && released == ACQUIRERS)
}
