// The phases of the shared mutex: src/locks/shared_word.h and shared_core.h, phase-fair.
//
// READERS tasks read and WRITERS tasks write, ROUNDS times each. Whether a writer that unlocks
// designates the oldest or, as it does at the bound on bypasses, grants it the lock is left open.
// Deadlines, and so the door that reopens, are the business of the checker and of the tests.
//
// Every transition of the word is one step, a compare-and-swap that is tried again or a
// fetch-and-add. `departures` is what is still inside with the door closed, and minus what has left
// with the door open. Nobody is inside with a writer, everybody comes in, and no reader waits for
// more than one writer.
//
//@ prove READERS=2 WRITERS=2 ROUNDS=1
//@ prove READERS=1 WRITERS=2 ROUNDS=2
//@ prove READERS=1 WRITERS=3 ROUNDS=1
//@ prove-long READERS=2 WRITERS=2 ROUNDS=2 big
//@ without reader_looks_again: invalid end state
//@ without writer_looks_again: invalid end state: READERS=1 WRITERS=3 ROUNDS=1
//@ without change_phase: invalid end state
//@ without wait_for_those_inside: invalid end state: READERS=1 WRITERS=3 ROUNDS=1
//@ without last_reader_lets_in: invalid end state
//@ without leave_it_to_the_designated: assertion violated: READERS=1 WRITERS=3 ROUNDS=1
//@ without resign_as_designated: invalid end state: READERS=1 WRITERS=3 ROUNDS=1
//@ without let_in_all_who_wait: invalid end state
//@ without readers_before_the_next_writer: invalid end state
#include "step.pml"

#define NOBODY 9

bit writer, parked, waking, open, phase;
byte arrivals;
short departures;
bit bucket;
bit waits[READERS], woken[READERS];  // queued readers; they are woken all at once
byte queue[WRITERS], length;
bit granted[WRITERS], designated[WRITERS];  // the token of who has been woken

byte reading, writing;  // who is inside
byte entries;           // of writers

#define INSIDE (writer -> departures : arrivals + departures)
#define FREE (!writer && !parked && !waking && !open && INSIDE == 0)
#define AT_THE_DOOR (open && (departures == 0 || !STEP(wait_for_those_inside)))
#define CLAIMABLE (FREE || (AT_THE_DOOR && (mine || waking)))

inline claim() {
  if
  :: FREE -> arrivals = 0; departures = 0; writer = 1
  :: else -> open = 0; if :: mine -> waking = 0 :: else fi
  fi
}

inline take_writer() {
  assert(length > 0);
  w = queue[0];
  length--;
  i = 0;
  do :: i == length -> break :: else -> queue[i] = queue[i + 1]; i++ od;
  queue[i] = 0;
  i = 0
}

proctype read_lock(byte me) {
  byte round, before, w, i;
  bit in, seen_phase, last;
  do
  :: round == ROUNDS -> break
  :: else ->
     d_step { in = !writer; seen_phase = phase; before = entries; arrivals++ };
     if
     :: in
     :: else ->  // arrive_slow()
        LOCK(bucket);
        d_step {
          in = phase != seen_phase && STEP(reader_looks_again);
          waits[me] = !in;
          UNLOCK(bucket)
        };
        if :: in :: else -> d_step { woken[me] -> woken[me] = 0 } fi
     fi;
     d_step { reading++; assert(writing == 0); assert(entries - before <= 1) };
     reading--;
     d_step {  // unlock_shared()
       departures--;
       last = writer && departures == 0 && (!waking || !STEP(leave_it_to_the_designated))
     };
     if
     :: last && STEP(last_reader_lets_in) ->  // let_writer_in()
        LOCK(bucket);
        d_step { take_writer(); open = 0; parked = length > 0; UNLOCK(bucket) };
        granted[w] = 1
     :: else
     fi;
     d_step { round++; in = 0; last = 0; w = 0; before = 0; seen_phase = 0 }
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
  byte round, w, i;
  bit mine, in, parks, grants, lets_in[READERS];
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
             if
             :: !writer ->  // closes the door behind those inside
                departures = INSIDE;
                arrivals = 0;
                writer = 1;
                open = departures != 0;
                if :: !open -> in = 1; parks = 0 :: else fi
             :: else
             fi;
             if :: mine && STEP(resign_as_designated) -> waking = 0 :: else fi;
             if :: parks -> parked = 1; park() :: else fi
          fi;
          UNLOCK(bucket)
        };
        if :: in -> break :: else fi;
        if
        :: !parks
        :: parks && granted[me] -> d_step { granted[me] = 0; parks = 0; in = 1 }
        :: parks && designated[me] -> d_step { designated[me] = 0; parks = 0; mine = 1 }
        fi;
        if :: in -> break :: else fi
     od;
     true;
     d_step { entries++; writing++; assert(writing == 1 && reading == 0) };
     writing--;
     if :: grants = 1 :: grants = 0 fi;
     LOCK(bucket);  // unlock_slow()
     w = NOBODY;
     d_step {
       if
       :: arrivals > 0 && STEP(readers_before_the_next_writer) ->
          if :: STEP(change_phase) -> phase = !phase :: else fi;
          if
          :: parked || waking -> open = 1; departures = arrivals; arrivals = 0
          :: else -> writer = 0; departures = 0
          fi;
          i = 0;
          do
          :: i == READERS -> break
          :: else ->
             if
             :: waits[i] -> waits[i] = 0; lets_in[i] = 1; if :: STEP(let_in_all_who_wait) :: else -> i = READERS - 1 fi
             :: else
             fi;
             i++
          od;
          i = 0
       :: else ->
          if
          :: waking -> open = 1
          :: !waking && length == 0 ->
             if :: STEP(change_phase) -> phase = !phase :: else fi;
             writer = 0; departures = 0
          :: !waking && length > 0 ->
             take_writer();
             parked = length > 0;
             if :: grants :: else -> open = 1; waking = 1 fi
          fi
       fi;
       UNLOCK(bucket)
     };
     i = 0;
     do
     :: i == READERS -> break
     :: else -> d_step { if :: lets_in[i] -> lets_in[i] = 0; woken[i] = 1 :: else fi; i++ }
     od;
     i = 0;
     if
     :: w != NOBODY && grants -> granted[w] = 1
     :: w != NOBODY && !grants -> designated[w] = 1
     :: w == NOBODY
     fi;
     d_step { round++; in = 0; mine = 0; w = 0; grants = 0 }
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
  assert(FREE && length == 0)
}
