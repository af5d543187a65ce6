// The signed semaphore with deadlines: include/conc/semaphore.h and src/locks/semaphore.cc.
//
// ACQUIRERS tasks acquire once each; the first HURRIED of them have a deadline, which may pass at
// any moment, and give up then. RELEASERS tasks release as many permits as there are acquirers: the
// first one gives one, the last one the rest at once. So an acquirer that sleeps for ever, an
// invalid end state, has been robbed; and a permit made of nothing, or lost, shows in the count at
// the end. The last that gets a permit destroys the semaphore, if everybody got one: the releasers
// may still be inside release().
//
//@ prove ACQUIRERS=2 RELEASERS=2 HURRIED=1
//@ prove ACQUIRERS=3 RELEASERS=1 HURRIED=1
//@ prove-long ACQUIRERS=3 RELEASERS=2 HURRIED=2 big
//@ without take_owed_grant: invalid end state
//@ without owe_who_is_late: assertion violated
//@ without owe_under_the_lock: invalid end state
//@ without owe_no_more_than_was_lacking: assertion violated
//@ without withdraw_only_unowed: assertion violated
//@ without withdraw_the_commitment: assertion violated
//@ without stay_when_refused: assertion violated
#include "step.pml"
#define NOBODY 15

short value;   // value_ = permits - committed waiters
short owed;    // owed_
bit bucket;
byte queue[ACQUIRERS];
byte length;
bit granted[ACQUIRERS];
byte woken[ACQUIRERS];
bit alive = 1;

// For the invariants: who waits, and how many grants releasers are on the way to hand out.
short committed;
short on_the_way;
byte released, got_one;

#define TOUCH() assert(alive)
#define LACKING(v) (v < 0 -> -v : 0)

inline check() {
  assert(committed == LACKING(value) + on_the_way + owed);
  assert(owed == 0 || length == 0)
}

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

proctype acquirer(byte me; bit hurried) {
  short before;
  byte i;
  bit parked, gave_up;
  d_step {  // acquire(), try_acquire_until(): fetch_sub
    TOUCH();
    before = value;
    value--;
    // Who finds a permit passes nobody: all that wait have a grant coming.
    if :: before <= 0 -> committed++ :: else -> assert(committed <= on_the_way + owed) fi
  };
  if
  :: before > 0
  :: else ->
     LOCK(bucket);  // wait(), park()
     d_step {
       TOUCH();
       if
       :: owed > 0 && STEP(take_owed_grant) -> owed--; committed--
       :: else -> queue[length] = me; length++; parked = 1
       fi
     };
     UNLOCK(bucket)
  fi;
  if
  :: !parked
  :: parked -> woken[me] == 1  // suspend()
  :: parked && hurried ->      // withdraw_from_table()
     LOCK(bucket);
     if
     :: granted[me]  // in no queue any more
     :: else ->
        d_step {       // leave_on_timeout()
          TOUCH();
          if
          :: value < 0 || !STEP(withdraw_only_unowed) ->
             if :: STEP(withdraw_the_commitment) -> value++ :: else fi;
             committed--;
             gave_up = 1
          :: else
          fi
        };
        if
        :: gave_up || !STEP(stay_when_refused) -> d_step { i = 0; take_off(me); gave_up = 1 }
        :: else
        fi
     fi;
     UNLOCK(bucket);
     if :: gave_up :: else -> woken[me] == 1 fi
  fi;
  d_step {
    i = 0;
    if
    :: gave_up -> assert(!granted[me])
    :: else -> got_one++; if :: got_one == ACQUIRERS -> assert(value == 0); alive = 0 :: else fi
    fi;
    parked = 0
  }
}

inline owe() {
  d_step {
    if :: grants > 0 -> TOUCH() :: else fi;
    on_the_way = on_the_way - grants;
    if :: STEP(owe_who_is_late) -> owed = owed + grants :: else fi;
    grants = 0
  }
}

proctype releaser(byte n) {
  short before, grants;
  byte t, i, freed[ACQUIRERS], count;
  d_step {  // release(): fetch_add
    TOUCH();
    before = value;
    value = value + n;
    released = released + n;
    grants = (!STEP(owe_no_more_than_was_lacking) || n < LACKING(before) -> n : LACKING(before));
    on_the_way = on_the_way + grants
  };
  if
  :: before >= 0
  :: else ->
     LOCK(bucket);  // release_slow()
     d_step {
       TOUCH();
       do
       :: grants == 0 || length == 0 -> break
       :: else ->
          t = queue[0];
          take_off(t);
          granted[t] = 1;
          freed[count] = t;
          count++;
          committed--;
          on_the_way--;
          grants--
       od;
       t = 0
     };
     if
     :: STEP(owe_under_the_lock) -> owe()
     :: else
     fi;
     d_step { check(); UNLOCK(bucket) };
     if :: STEP(owe_under_the_lock) :: else -> owe() fi;
     do
     :: count == 0 -> break
     :: else -> count--; resume(freed[count])
     od
  fi
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
  assert(value == ACQUIRERS - got_one && owed == 0 && length == 0 && released == ACQUIRERS)
}
