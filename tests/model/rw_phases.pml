// The shared mutex, phase-fair: src/locks/shared_word.h, shared_readers.h and shared_core.h.
//
// READERS tasks read and WRITERS tasks write, ROUNDS times each; K is the bound. Deadlines, and so
// the door that reopens, are the business of the checker and of the tests.
//
// Every transition of the word is one step, a compare-and-swap that is tried again or a
// fetch-and-add. `departures` is what is still inside with the door closed, and minus what has left
// with the door open. The count of passes is a number of its own here; the source keeps it in
// `arrivals` while readers pass writers. Nobody is inside with a writer, everybody comes in, and
// while a reader sleeps or has been called no more than K writers get in before it.
//
//@ prove READERS=2 WRITERS=2 ROUNDS=1 K=1
//@ prove READERS=1 WRITERS=2 ROUNDS=2 K=1
//@ prove READERS=1 WRITERS=3 ROUNDS=1 K=2
//@ prove READERS=3 WRITERS=1 ROUNDS=1 K=1
//@ prove-long READERS=2 WRITERS=2 ROUNDS=2 K=1 big
//@ without reader_looks_again: invalid end state
//@ without writer_looks_again: invalid end state
//@ without change_phase: invalid end state
//@ without last_reader_lets_in: invalid end state
//@ without last_reader_calls: invalid end state
//@ without resign_as_designated: invalid end state
//@ without let_in_all_who_wait: invalid end state
//@ without let_in_the_called: assertion violated
//@ without call_the_rest: invalid end state: READERS=2 WRITERS=2 ROUNDS=1 K=2
//@ without say_sleeping: invalid end state
//@ without reserve: assertion violated: READERS=1 WRITERS=3 ROUNDS=1 K=1
//@ without called_in_vain: assertion violated: READERS=1 WRITERS=3 ROUNDS=1 K=1
#include "step.pml"

#define NOBODY 9

bit writer, parked, waking, open, phase, sleeping;
byte arrivals, bypasses;
short departures;
bit bucket;
byte called;                                       // under the bucket's lock
bit waits[READERS], woken[READERS], calls[READERS];  // queued readers; their tokens
byte queue[WRITERS], length;
bit granted[WRITERS], designated[WRITERS];  // the token of who has been woken

byte reading, writing;  // who is inside
byte passed[READERS];   // writers since the reader fell asleep
bit asleep[READERS];

#define INSIDE (writer -> departures : arrivals + departures)
#define WRITERS_WAIT (parked || waking)
#define RESERVED (bypasses >= K && STEP(reserve))
#define FREE (!writer && !WRITERS_WAIT && !sleeping && INSIDE == 0)
#define CLAIMABLE ((!writer && INSIDE == 0 && (mine || !RESERVED)) || (open && departures == 0 && mine))

inline pass() { if :: bypasses < K -> bypasses++ :: else fi }

inline count_passes() {  // a writer is in, by right
  i = 0;
  do
  :: i == READERS -> break
  :: else -> if :: asleep[i] -> passed[i]++; assert(passed[i] <= K) :: else fi; i++
  od;
  i = 0
}

inline claim() {
  count_passes();
  if
  :: open -> bypasses = sleeping; open = 0
  :: else ->
     arrivals = 0; departures = 0; writer = 1;
     if
     :: mine && !sleeping -> bypasses = 0
     :: !mine && !WRITERS_WAIT && !sleeping -> bypasses = 0
     :: else -> pass()
     fi
  fi;
  if :: mine -> waking = 0 :: else fi
}

inline take_writer() {
  assert(length > 0);
  w = queue[0];
  length--;
  i = 0;
  do :: i == length -> break :: else -> queue[i] = queue[i + 1]; i++ od;
  queue[i] = 0;
  i = 0;
  parked = length > 0
}

// How many readers are queued, into n.
inline count_sleepers() {
  n = 0; i = 0;
  do :: i == READERS -> break :: else -> n = n + waits[i]; i++ od;
  i = 0
}

// Takes all of them off; `tell` says who is to be resumed.
inline take_readers() {
  i = 0;
  do
  :: i == READERS -> break
  :: else ->
     if
     :: waits[i] -> waits[i] = 0; tell[i] = 1; if :: STEP(let_in_all_who_wait) :: else -> i = READERS - 1 fi
     :: else
     fi;
     i++
  od;
  i = 0
}

inline resume_readers() {
  i = 0;
  do
  :: i == READERS -> break
  :: else ->
     d_step {
       if
       :: tell[i] && as_called -> tell[i] = 0; calls[i] = 1
       :: tell[i] && !as_called -> tell[i] = 0; woken[i] = 1
       :: else
       fi;
       i++
     }
  od;
  i = 0;
  as_called = 0
}

proctype read_lock(byte me) {
  byte round, w, i, n;
  bit in, seen_phase, last, late, lost, tell[READERS], as_called, closes;
  w = NOBODY;
  do
  :: round == ROUNDS -> break
  :: else ->
     d_step {
       in = !writer;
       seen_phase = phase;
       arrivals++;
       if :: in && WRITERS_WAIT -> pass(); closes = RESERVED :: else fi
     };
     do
     :: in -> break
     :: else ->  // counted behind a closed door
        LOCK(bucket);
        d_step {  // must_wait()
          in = phase != seen_phase && STEP(reader_looks_again);
          if
          :: !in ->
             arrivals--;
             waits[me] = 1;
             if :: !asleep[me] -> asleep[me] = 1; passed[me] = 0 :: else fi;
             if :: STEP(say_sleeping) -> sleeping = 1 :: else fi;
             if :: lost && STEP(called_in_vain) -> bypasses = K :: else fi
          :: else
          fi;
          UNLOCK(bucket)
        };
        if :: in -> break :: else fi;
        if
        :: d_step { woken[me] -> woken[me] = 0; in = 1 }; break
        :: d_step { calls[me] -> calls[me] = 0 }
        fi;
        LOCK(bucket);  // answer_call()
        d_step {
          if
          :: called == 0 -> in = 1
          :: else ->
             called--;
             count_sleepers();
             arrivals++;
             seen_phase = phase;
             in = !writer;
             if :: in && WRITERS_WAIT -> pass(); closes = RESERVED :: else fi;
             if
             :: called == 0 && n == 0 -> sleeping = 0; if :: !WRITERS_WAIT -> bypasses = 0 :: else fi
             :: called == 0 && n > 0 && in && STEP(call_the_rest) -> take_readers(); as_called = 1; called = n
             :: else
             fi
          fi;
          lost = 1;
          n = 0;
          UNLOCK(bucket)
        };
        resume_readers()
     od;
     if
     :: closes ->  // close_behind()
        LOCK(bucket);
        d_step {
          if
          :: !writer && WRITERS_WAIT && RESERVED ->
             count_sleepers();
             departures = INSIDE + n + called;
             arrivals = 0; writer = 1; open = 1; sleeping = 0; called = 0; n = 0; bypasses = K;
             take_readers()
          :: else
          fi;
          closes = 0;
          UNLOCK(bucket)
        };
        resume_readers()
     :: else
     fi;
     d_step { reading++; asleep[me] = 0; passed[me] = 0; assert(writing == 0) };
     reading--;
     d_step {  // unlock_shared()
       last = INSIDE == 1 && writer && !waking;
       late = INSIDE == 1 && !writer && parked && !waking;
       departures--
     };
     if
     :: last && STEP(last_reader_lets_in) ->  // let_writer_in()
        LOCK(bucket);
        d_step { take_writer(); open = 0; bypasses = sleeping; count_passes(); UNLOCK(bucket) };
        granted[w] = 1
     :: late && STEP(last_reader_calls) ->  // call_writer()
        LOCK(bucket);
        d_step {
          w = NOBODY;
          if :: length > 0 && !writer && !waking && INSIDE == 0 -> take_writer(); waking = 1 :: else fi;
          UNLOCK(bucket)
        };
        if :: w != NOBODY -> designated[w] = 1 :: else fi
     :: else
     fi;
     d_step { round++; in = 0; last = 0; late = 0; lost = 0; w = NOBODY; seen_phase = 0 }
  od
}

inline park() {
  if
  :: mine ->  // back to the front
     i = length;
     do :: i == 0 -> break :: else -> queue[i] = queue[i - 1]; i-- od;
     queue[0] = me
  :: else -> queue[length] = me
  fi;
  length++
}

proctype write_lock(byte me) {
  byte round, w, i, n;
  bit mine, in, parks, wakes, grants, tell[READERS], as_called;
  do
  :: round == ROUNDS -> break
  :: else ->
     do
     :: d_step { in = CLAIMABLE; if :: in -> claim() :: else fi };
        if :: in -> break :: else fi;
        LOCK(bucket);
        d_step {  // must_park()
          if
          :: CLAIMABLE && STEP(writer_looks_again)
          :: else ->
             parks = 1;
             if :: mine && STEP(resign_as_designated) -> waking = 0 :: else fi;
             parked = 1;
             park()
          fi;
          UNLOCK(bucket)
        };
        if
        :: !parks
        :: parks && granted[me] -> d_step { granted[me] = 0; parks = 0; in = 1 }
        :: parks && designated[me] -> d_step { designated[me] = 0; parks = 0; mine = 1 }
        fi;
        if :: in -> break :: else fi
     od;
     true;
     d_step { writing++; assert(writing == 1 && reading == 0) };
     writing--;
     w = NOBODY;
     d_step {  // unlock(), unlock_slow(): nobody who sleeps is concerned
       wakes = sleeping || RESERVED || (parked && !waking && arrivals == 0);
       if
       :: !wakes ->
          if :: STEP(change_phase) -> phase = !phase :: else fi;
          writer = 0; departures = 0;
          if :: WRITERS_WAIT -> bypasses = (bypasses + arrivals < K -> bypasses + arrivals : K) :: else -> bypasses = 0 fi
       :: else
       fi
     };
     if
     :: wakes ->
        LOCK(bucket);
        d_step {
          count_sleepers();
          if
          :: !RESERVED ->
             phase = !phase;
             if
             :: waking || length == 0 || arrivals > 0
             :: else -> take_writer(); waking = 1
             fi;
             writer = 0; departures = 0;
             if
             :: WRITERS_WAIT -> bypasses = (bypasses + arrivals < K -> bypasses + arrivals : K)
             :: !WRITERS_WAIT && !sleeping -> bypasses = 0
             :: else
             fi;
             if :: n > 0 && called == 0 -> take_readers(); as_called = 1; called = n :: else fi
          :: else ->
             n = n + arrivals + (STEP(let_in_the_called) -> called : 0);
             if
             :: n > 0 ->
                phase = !phase;
                sleeping = 0; called = 0;
                take_readers();
                if
                :: WRITERS_WAIT -> open = 1; departures = n; arrivals = 0; bypasses = K
                :: else -> writer = 0; departures = 0; arrivals = n; bypasses = 0
                fi
             :: n == 0 && waking -> open = 1
             :: n == 0 && !waking && length == 0 -> phase = !phase; writer = 0; departures = 0; bypasses = 0
             :: n == 0 && !waking && length > 0 -> take_writer(); grants = 1; bypasses = 0; count_passes()
             fi
          fi;
          n = 0;
          UNLOCK(bucket)
        };
        resume_readers();
        if
        :: w != NOBODY && grants -> granted[w] = 1
        :: w != NOBODY && !grants -> designated[w] = 1
        :: w == NOBODY
        fi
     :: else
     fi;
     d_step { round++; in = 0; mine = 0; w = 0; grants = 0; wakes = 0 }
  od
}

init {
  byte i;
  atomic {
    do
    :: i == READERS -> break
    :: else -> run read_lock(i); i++
    od;
    i = 0;
    do
    :: i == WRITERS -> break
    :: else -> run write_lock(i); i++
    od
  };
  _nr_pr == 1;
  assert(FREE && length == 0 && called == 0 && bypasses == 0)
}
