// The event count with deadlines and a store buffer: include/conc/event_count.h and
// src/locks/event_count.cc.
//
// WAITERS tasks wait, the first for the greatest number, the last for 1; the first HURRIED of them
// have a deadline, which may pass at any moment. ADVANCERS tasks each write something and then
// advance the count by BY. What they write stays in a store buffer until it is flushed, at any
// moment, or drained by the locked instruction in advance(); who has awaited a number must find as
// many writings as it takes.
// The last waiter to return destroys the event count if every advance() has counted; some may still
// be on their way to those whom they wake.
//
// The word is 2 * count + mark. A compare-and-swap or fetch-and-add of it is one step.
//
//@ prove WAITERS=2 ADVANCERS=2 HURRIED=1 BY=1
//@ prove WAITERS=2 ADVANCERS=1 HURRIED=1 BY=1
//@ prove WAITERS=2 ADVANCERS=1 HURRIED=1 BY=2
//@ prove-long WAITERS=3 ADVANCERS=3 HURRIED=1 BY=1 big
//@ prove-long WAITERS=3 ADVANCERS=2 HURRIED=2 BY=1 big
//@ without look_again: invalid end state
//@ without say_waiting: assertion violated
//@ without say_it_in_one_step: invalid end state
//@ without count_and_look_in_one_step: invalid end state
//@ without drain_before_counting: assertion violated
//@ without least_first: invalid end state: WAITERS=2 ADVANCERS=1 HURRIED=1 BY=1
//@ without wake_all_who_are_reached: invalid end state: WAITERS=2 ADVANCERS=1 HURRIED=0 BY=2
//@ without reached_in_time: assertion violated
//@ without last_to_leave_clears_mark: assertion violated
//@ without look_only_while_somebody_waits: assertion violated
//@ without last_access_under_the_lock: assertion violated
#include "step.pml"

byte count;
bit mark;
bit bucket;
byte queue[WAITERS];
byte length;
bit queued[WAITERS], woken[WAITERS];
byte buffered, written;  // writings that only their advancer sees; that all see
byte counted, returned;
bit alive = 1;

#define VALUE(t) (WAITERS - t)
#define TOUCH() assert(alive)

inline unlock_bucket() {
  d_step { assert(!alive || mark == (length > 0)); UNLOCK(bucket) }
}

inline take_off(t) {
  i = 0;
  do :: queue[i] == t -> break :: else -> i++ od;
  length--;
  do :: i == length -> break :: else -> queue[i] = queue[i + 1]; i++ od;
  queue[i] = 0;
  queued[t] = 0;
  i = 0
}

// enqueue() and move_to_rank(); no two wait for the same number here
inline put_in(t) {
  i = length;
  do
  :: i == 0 || !STEP(least_first) -> break
  :: else ->
     if
     :: VALUE(queue[i - 1]) > VALUE(t) -> queue[i] = queue[i - 1]; i--
     :: else -> break
     fi
  od;
  queue[i] = t;
  length++;
  queued[t] = 1;
  i = 0
}

proctype waiter(byte me; bit hurried) {
  byte i;
  bit parked, late;
  d_step { TOUCH(); parked = count < VALUE(me) };  // await(): read()
  if
  :: !parked
  :: else ->
     LOCK(bucket);  // wait()
     d_step {
       TOUCH();
       if :: count >= VALUE(me) && STEP(look_again) -> parked = 0 :: else fi;
       if :: parked && STEP(say_waiting) && STEP(say_it_in_one_step) -> mark = 1 :: else fi
     };
     if
     :: parked && STEP(say_waiting) && !STEP(say_it_in_one_step) -> mark = 1  // without STEP(say_it_in_one_step)
     :: else
     fi;
     d_step { if :: parked -> put_in(me) :: else fi };
     unlock_bucket()
  fi;
  if
  :: !parked
  :: parked && woken[me]   // suspend()
  :: parked && hurried ->  // withdraw_from_table()
     LOCK(bucket);
     d_step {
       if
       :: !queued[me]
       :: else ->
          TOUCH();  // leave_on_timeout()
          if
          :: count >= VALUE(me) && STEP(reached_in_time)
          :: else ->
             assert(count < VALUE(me));
             late = 1;
             take_off(me);
             if :: length == 0 && STEP(last_to_leave_clears_mark) -> mark = 0 :: else fi
          fi
       fi
     };
     unlock_bucket();
     if :: late :: else -> woken[me] == 1 fi
  fi;
  d_step {
    assert(late || written * BY >= VALUE(me));
    returned++;
    if :: returned == WAITERS && counted == ADVANCERS -> alive = 0 :: else fi
  }
}

inline clear_mark() {
  TOUCH();
  mark = 0
}

proctype advancer() {
  byte i, t, freed[WAITERS], n;
  bit seen, more, clear;
  buffered++;
  if  // the store buffer may be flushed early
  :: true -> d_step { buffered--; written++; more = 1 }
  :: true
  fi;
  if
  :: STEP(count_and_look_in_one_step) ->
     d_step {  // advance()
       TOUCH();
       if :: STEP(drain_before_counting) && !more -> buffered--; written++; more = 1 :: else fi;
       seen = mark;
       count = count + BY;
       counted++
     }
  :: else ->
     d_step { TOUCH(); seen = mark };  // without STEP(count_and_look_in_one_step)
     d_step {  // without STEP(count_and_look_in_one_step)
       TOUCH();
       if :: !more -> buffered--; written++; more = 1 :: else fi;
       count = count + BY;
       counted++
     }
  fi;
  if
  :: !seen
  :: else ->
     LOCK(bucket);  // advance_slow()
     d_step {
       if
       :: length == 0 && STEP(look_only_while_somebody_waits)
       :: else ->
          TOUCH();
          do
          :: length > 0 && VALUE(queue[0]) <= count && (n == 0 || STEP(wake_all_who_are_reached)) ->
             t = queue[0];
             take_off(t);
             freed[n] = t;
             n++;
             t = 0
          :: else -> break
          od;
          clear = length == 0;
          if :: clear && STEP(last_access_under_the_lock) -> clear_mark() :: else fi
       fi
     };
     if
     :: STEP(last_access_under_the_lock) -> unlock_bucket()
     :: else -> UNLOCK(bucket)  // without STEP(last_access_under_the_lock)
     fi;
     do
     :: n == 0 -> break
     :: else -> n--; d_step { assert(!woken[freed[n]]); woken[freed[n]] = 1 }
     od;
     if
     :: clear && !STEP(last_access_under_the_lock) -> d_step { clear_mark() }  // without STEP(last_access_under_the_lock)
     :: else
     fi
  fi;
  if
  :: more
  :: else -> d_step { buffered--; written++ }  // without STEP(drain_before_counting)
  fi
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
    :: i == ADVANCERS -> break
    :: else -> run advancer(); i++
    od
  };
  _nr_pr == 1;
  assert(length == 0 && (!alive || !mark) && count == ADVANCERS * BY && written == ADVANCERS)
}
