// The mutex's state word and its slow paths: src/locks/mutex_word.h and mutex.cc, whose names these
// are. mutex.pml and condition_variable.pml include it.
//
// The word is a number with the bits of mutex_word.h, but with a bypass count of three bits and the
// bound K as the includer sets it. A loop that loads the word, decides, and ends in a
// compare-and-swap is one step here: a failed compare-and-swap has no effect, and the successful one
// acts on the very value from which the decision was made. Where a decision leads away from the
// compare-and-swap, the load is a step of its own, and what is known may be out of date.
//
// The includer defines TASKS, K, NOBODY and SPIN (whether kernel threads spin), says which tasks are kernel threads, and may define what
// else happens when a wait for the mutex begins (BEGIN_WAIT) and when a task is taken off its queue.
#ifndef BEGIN_WAIT
#define BEGIN_WAIT(me) skip
#define OFF_THE_MUTEX_QUEUE(t) skip
#endif

#define LOCKED 1
#define PARKED 2
#define WAKING 4
#define SPINNING 8
#define ONE_BYPASS 16
#define BYPASS_MASK (7 * ONE_BYPASS)
#define ONE_OWNER 128
#define OWNER_MASK (15 * ONE_OWNER)

#define MINE(me) ((me + 1) * ONE_OWNER | LOCKED)
#define OWNER(w) ((w / ONE_OWNER) - 1)
#define IS_LOCKED(w) ((w & LOCKED) != 0)
#define HAS_WAITERS(w) ((w & (PARKED | WAKING)) != 0)
#define BYPASSES(w) ((w & BYPASS_MASK) / ONE_BYPASS)
#define IS_RESERVED(w) (HAS_WAITERS(w) && BYPASSES(w) >= K && STEP(reserve))
#define IS_TAKEABLE(w) (!IS_LOCKED(w) && !IS_RESERVED(w))
#define FREED(w) (w & ~(LOCKED | OWNER_MASK))

mtype = { newcomer, designated, granted };

short word;
bit bucket[2];  // the locks of the mutex's bucket, and of another
#define mutex_bucket bucket[0]
byte mutex_queue[TASKS];
byte mutex_length;
mtype token[TASKS];
byte woken[TASKS];   // resume()s that have not ended a suspend() yet
bit kernel[TASKS];   // kernel threads spin, user-level threads do not
bit mutex_alive = 1;

// The promises. `oldest` is the waiter that has waited longest, parked or designated; `passed` counts
// who got the mutex before it since it became the oldest.
byte inside;
byte oldest = NOBODY;
byte passed;
byte designated_now;  // waiters that were woken to compete and have not decided yet

inline note_oldest() {
  if :: mutex_length > 0 -> oldest = mutex_queue[0] :: else -> oldest = NOBODY fi;
  passed = 0
}

inline note_taken(me) {
  assert(inside == 0);
  inside = 1;
  if
  :: oldest == me -> note_oldest()
  :: oldest != NOBODY && oldest != me -> passed++; assert(passed <= K)
  :: else
  fi
}

inline note_freed() {
  assert(inside == 1);
  inside = 0
}

#define TOUCH() assert(mutex_alive)

inline resume(t) {
  atomic { assert(woken[t] == 0); woken[t] = 1 }
}

inline suspend(me) {
  atomic { woken[me] == 1 -> woken[me] = 0 }
}

// taken_by_newcomer(), taken_by_designated()
inline take_as_newcomer(me) {
  if
  :: HAS_WAITERS(word) -> if :: STEP(count_bypasses) -> word = word + ONE_BYPASS :: else fi
  :: else -> word = word & ~BYPASS_MASK
  fi;
  word = word | MINE(me);
  note_taken(me)
}

inline take_as_designated(me) {
  word = (word & ~(WAKING | BYPASS_MASK)) | MINE(me);
  designated_now--;
  note_taken(me)
}

inline append_to_mutex_queue(t) {
  mutex_queue[mutex_length] = t;
  mutex_length++;
  if :: oldest == NOBODY -> oldest = t; passed = 0 :: else fi
}

inline prepend_to_mutex_queue(t) {
  tmp = mutex_length;
  do :: tmp == 0 -> break :: else -> mutex_queue[tmp] = mutex_queue[tmp - 1]; tmp-- od;
  mutex_queue[0] = t;
  mutex_length++
}

inline take_first_off_mutex_queue(t) {
  if
  :: mutex_length == 0 -> t = NOBODY
  :: else ->
     t = mutex_queue[0];
     OFF_THE_MUTEX_QUEUE(t);
     mutex_length--;
     tmp = 0;
     do
     :: tmp == mutex_length -> break
     :: else -> mutex_queue[tmp] = mutex_queue[tmp + 1]; tmp++
     od;
     mutex_queue[tmp] = 0;
     tmp = 0
  fi
}

// lock_waiting(). `as` is `designated` for a waiter that a wake has sent here, else `newcomer`.
inline lock_waiting(me, as) {
  do
  :: d_step {
       TOUCH();
       seen = word;
       got = 0;
       if
       :: as == designated && !IS_LOCKED(seen) -> take_as_designated(me); got = 1
       :: as == newcomer && IS_TAKEABLE(seen) -> take_as_newcomer(me); got = 1
       :: else
       fi
     };
     if :: got -> break :: else fi;

#if SPIN
     if
     :: kernel[me] && as == newcomer && !(seen & SPINNING) && IS_LOCKED(seen) ->
        // become_spinner(): one attempt.
        d_step { TOUCH(); if :: word == seen -> word = word | SPINNING; got = 1 :: else fi };
        if
        :: got ->
           // spin_as_newcomer(): earlier looks have no effect, so one, at any time, stands for all.
           d_step {
             TOUCH();
             got = 0;
             if
             :: IS_TAKEABLE(word) -> word = word & ~SPINNING; take_as_newcomer(me); got = 1
             :: else -> word = word & ~SPINNING
             fi
           }
        :: else
        fi
     :: else  // spin_as_designated() does nothing that the first step of the loop does not do
     fi;
     if :: got -> break :: else fi;
#endif

     // park(), with must_park() as what validates.
     LOCK(mutex_bucket);
     d_step {
       TOUCH();
       if
       :: ((as == designated && !IS_LOCKED(word)) || (as == newcomer && IS_TAKEABLE(word))) &&
          STEP(validate_before_park) ->
          got = 1
       :: else ->
          if :: !HAS_WAITERS(word) -> word = word & ~BYPASS_MASK :: else fi;
          if :: STEP(say_parked) -> word = word | PARKED :: else fi;
          BEGIN_WAIT(me);
          if
          :: as == designated ->
             designated_now--;
             if :: STEP(resign_as_designated) -> word = word & ~WAKING :: else fi;
             if
             :: STEP(loser_to_the_front) -> prepend_to_mutex_queue(me)
             :: else -> append_to_mutex_queue(me)
             fi
          :: else -> append_to_mutex_queue(me)
          fi
       fi
     };
     UNLOCK(mutex_bucket);  // for a user-level thread on the next one's stack: park_switch.pml
     if
     :: got -> got = 0
     :: else ->
        suspend(me);
        as = token[me];
        if :: as == granted -> break :: else fi
     fi
  od;
  as = newcomer
}

// mutex::lock() with its fast path.
inline lock(me, as) {
  d_step {
    TOUCH();
    got = 0;
    if :: word == 0 -> word = MINE(me); note_taken(me); got = 1 :: else fi
  };
  if :: got :: else -> lock_waiting(me, as) fi;
  d_step { got = 0; seen = 0 }
}

// wake_next_owner()
inline wake_next_owner(t) {
  LOCK(mutex_bucket);
  d_step {
    TOUCH();
    assert(!(word & WAKING));  // only an unlocker sets it, and a mover who finds the mutex free
    note_freed();
    take_first_off_mutex_queue(t);
    seen = FREED(word) & ~PARKED;
    if :: mutex_length > 0 && STEP(parked_while_others) -> seen = seen | PARKED :: else fi;
    if
    :: t == NOBODY -> seen = seen & ~BYPASS_MASK
    :: t != NOBODY && BYPASSES(word) >= K ->
       seen = (seen & ~BYPASS_MASK) | MINE(t);
       token[t] = granted;
       note_taken(t)
    :: else ->
       seen = seen | WAKING;
       token[t] = designated;
       designated_now++
    fi;
    word = seen
  };
  UNLOCK(mutex_bucket);
  if :: t != NOBODY -> resume(t) :: else fi
}

// release(), on behalf of the owner `me`. `t` is a variable of the caller's.
inline release(me, t) {
  d_step {
    TOUCH();
    assert(OWNER(word) == me);
    got = 0;
    if
    :: (word & PARKED) && !((word & WAKING) && STEP(wake_one_at_a_time)) &&
       !((word & SPINNING) && (BYPASSES(word) < K || !STEP(spinner_is_no_heir_at_the_bound))) ->
       got = 1
    :: else ->
       note_freed();
       word = FREED(word);
       if :: !HAS_WAITERS(word) -> word = word & ~BYPASS_MASK :: else fi
    fi
  };
  if :: got -> wake_next_owner(t) :: else fi;
  d_step { got = 0; seen = 0; t = 0 }
}

// mutex::unlock(), unlock_slow()
inline unlock(me, t) {
  d_step {
    TOUCH();
    got = 0;
    if :: word == MINE(me) -> note_freed(); word = 0; got = 1 :: else fi
  };
  if :: got :: else -> release(me, t) fi;
  got = 0
}
