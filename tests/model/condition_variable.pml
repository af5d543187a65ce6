// The condition variable and how its waiters move to the mutex: src/locks/condition_variable.cc and
// requeue_to_mutex() of mutex.cc, on the mutex of mutex_word.pml.
//
// Two waiters wait for an item, under the mutex; a notifier makes two items, in the same section or
// in two, and notifies. USERS of them are user-level threads: waiter 1 unless it is 0, waiter 0 only
// if it is 2. Waiter 0 may have a deadline, and then leaves without an item when it has passed.
// Another one, on the next stack, publishes a user-level thread's wait and unlocks the mutex in its
// name, perhaps while it runs again already; and if that other one is a waiter that was notified, it
// may find the mutex in its hands when it goes on. With PING that is what happens: waiter 1 makes the
// item itself and waits for an answer, and the notifier only locks and unlocks. The timer of waiter 0 may expire at any moment, however late. Once everybody has been notified the
// notifier destroys the condition variable; the last to leave destroys the mutex.
//
// ALL: notify_all() after both items, else notify_one() after each. INSIDE: 1 under the mutex, 0
// after it is unlocked, 2 either way. Whoever sleeps for ever shows as an invalid end state.
//
//@ prove ALL=0 INSIDE=0 K=1 DESTROY=0 SPIN=0
//@ prove ALL=1 INSIDE=1 K=1 DESTROY=1 SPIN=0
//@ prove ALL=1 INSIDE=1 K=1 DESTROY=1 SPIN=0 USERS=0
//@ prove ALL=1 INSIDE=1 K=1 DESTROY=0 SPIN=0 USERS=2
//@ prove ALL=0 INSIDE=1 K=1 DESTROY=0 SPIN=0 USERS=2 PING=1
//@ prove-long ALL=0 INSIDE=1 K=1 DESTROY=0 SPIN=0 USERS=2 big
//@ prove-long ALL=0 INSIDE=2 K=2 DESTROY=1 SPIN=1 big
//@ prove-long ALL=1 INSIDE=1 K=1 DESTROY=1 SPIN=0 USERS=2 big
//@ prove-long ALL=1 INSIDE=2 K=2 DESTROY=1 SPIN=1 big
//@ without validate_before_park: invalid end state
//@ without say_parked: invalid end state
//@ without resign_as_designated: invalid end state
//@ without parked_while_others: invalid end state
//@ without wake_one_at_a_time: assertion violated
//@ without mark_in_the_section: invalid end state
//@ without queue_in_the_section: invalid end state
//@ without requeued_stays: assertion violated
//@ without leave_later_waits_alone: assertion violated
//@ without last_to_leave_clears_mark: assertion violated
//@ without mark_stays_for_others: invalid end state
//@ without notify_keeps_mark: invalid end state
//@ without designate_if_free: invalid end state
//@ without moved_are_parked: invalid end state
//@ without hand_over_only_unwanted: assertion violated: ALL=0 INSIDE=1 K=1 DESTROY=0 SPIN=0 USERS=2 PING=1
//@ without tell_who_was_handed_the_mutex: invalid end state: ALL=0 INSIDE=1 K=1 DESTROY=0 SPIN=0 USERS=2 PING=1
//
// These break no promise here, as too few tasks come and go for the bound to be passed; mutex.pml
// has their mutants.
//@ beside loser_to_the_front reserve count_bypasses spinner_is_no_heir_at_the_bound
// So few tasks do not get as far as the bound, where the mutex is handed over.
//@ idle :: else -> as = newcomer
#include "step.pml"
#ifndef USERS
#define USERS 1
#endif
#ifndef PING
#define PING 0
#endif
#define TASKS 3
#define NOBODY 15
#define NOTIFIER 2
#define AT_MUTEX 0
#define AT_CV 1
#define BEGIN_WAIT(me) begin_wait(me, AT_MUTEX)

byte place[TASKS];     // task::wait_address
bit queued[TASKS];
byte epoch[TASKS];
bit stays[TASKS];      // on_timeout answers no
bit timed_out[TASKS];  // the token that a withdrawal leaves

inline begin_wait(me, where) {
  epoch[me]++;
  stays[me] = 0;
  place[me] = where;
  queued[me] = 1
}
#define OFF_THE_MUTEX_QUEUE(t) queued[t] = 0
#include "mutex_word.pml"

#define cv_bucket bucket[AT_CV]
bit mark;          // condition_variable::waiters_
byte cv_queue[2];
byte cv_length;
bit cv_alive = 1;
byte items;        // guarded by the mutex
byte gone;         // tasks that have left, guarded by the mutex
byte armed;        // the epoch that waiter 0's timer is meant for
bit timer_set;
bit publish_due[2];  // the waiter has left its stack
bit in_wait[2];      // task::wait_context is the mutex
bit taken[TASKS];  // a notifier has taken the waiter off

// wait_until_steady()
inline wait(me, deadline) {
  LOCK(cv_bucket);
  d_step {
    assert(cv_alive);
    if :: STEP(mark_in_the_section) -> mark = 1 :: else fi;
    timed_out[me] = 0;
    token[me] = newcomer;  // what `notified` makes of a waiter
    taken[me] = 0;
    in_wait[me] = 1;
    if :: STEP(queue_in_the_section) -> append_to_cv_queue(me) :: else fi;
    if :: deadline -> armed = epoch[me]; timer_set = 1 :: else fi
  };
  if
  :: kernel[me] -> UNLOCK(cv_bucket); release(me, t)  // publish_waiter()
  :: else -> publish_due[me] = 1
  fi;
  if :: STEP(mark_in_the_section) :: else -> mark = 1 fi;
  if :: STEP(queue_in_the_section) :: else -> d_step { append_to_cv_queue(me) } fi;
  suspend(me);
  in_wait[me] = 0;
  as = token[me];
  if :: as != granted -> lock_waiting(me, as) :: else -> as = newcomer fi;
  d_step { got = 0; seen = 0 }
}

inline append_to_cv_queue(me) {
  cv_queue[cv_length] = me;
  cv_length++;
  begin_wait(me, AT_CV)
}

inline take_first_off_cv_queue(t) {
  if
  :: cv_length == 0 -> t = NOBODY
  :: else ->
     t = cv_queue[0];
     cv_queue[0] = cv_queue[1];
     cv_length--;
     queued[t] = 0;
     assert(!taken[t] && !timed_out[t]);
     taken[t] = 1
  fi
}

inline leave(me) {
  gone++;
  last = gone == TASKS && DESTROY;
  unlock(me, t);
  if :: last -> assert(word == 0); mutex_alive = 0 :: else fi
}

// requeue_to_mutex() for a chain of one or two; NOBODY stands for no second one.
inline requeue(foremost, behind) {
  LOCK(mutex_bucket);
  d_step {
    TOUCH();
    first = NOBODY;
    if :: !HAS_WAITERS(word) -> word = word & ~BYPASS_MASK :: else fi;
    if
    :: !IS_LOCKED(word) && !HAS_WAITERS(word) && STEP(designate_if_free) ->
       first = foremost;
       word = word | WAKING;
       token[foremost] = designated;
       designated_now++;
       if :: oldest == NOBODY -> oldest = foremost; passed = 0 :: else fi
    :: else -> move(foremost)
    fi;
    if :: behind != NOBODY -> move(behind) :: else fi
  };
  UNLOCK(mutex_bucket);
  if :: first != NOBODY -> resume(first) :: else fi
}

inline move(t) {
  if :: STEP(moved_are_parked) -> word = word | PARKED :: else fi;
  if :: STEP(requeued_stays) -> stays[t] = 1 :: else fi;
  append_to_mutex_queue(t);
  place[t] = AT_MUTEX;
  queued[t] = 1
}

inline notify_one() {
  assert(cv_alive);
  if
  :: mark ->
     LOCK(cv_bucket);
     d_step {
       assert(cv_alive);
       take_first_off_cv_queue(t);
       if :: cv_length == 0 || !STEP(notify_keeps_mark) -> mark = 0 :: else fi
     };
     UNLOCK(cv_bucket);
     if
     :: t == NOBODY
     :: t != NOBODY && kernel[t] -> second = NOBODY; requeue(t, second)
     :: t != NOBODY && !kernel[t] -> resume(t)
     fi
  :: else
  fi
}

inline notify_all() {
  assert(cv_alive);
  if
  :: mark ->
     LOCK(cv_bucket);
     d_step {
       assert(cv_alive);
       take_first_off_cv_queue(t);
       second = NOBODY;
       if :: t != NOBODY -> take_first_off_cv_queue(second) :: else fi;
       mark = 0
     };
     UNLOCK(cv_bucket);
     // Kernel threads move, user-level threads run, the oldest of them last.
     if
     :: t == NOBODY
     :: t != NOBODY && kernel[t] && (second == NOBODY || kernel[second]) -> requeue(t, second)
     :: t != NOBODY && kernel[t] && second != NOBODY && !kernel[second] ->
        alone = NOBODY;
        requeue(t, alone);
        resume(second)
     :: t != NOBODY && !kernel[t] ->
        alone = NOBODY;
        if
        :: second == NOBODY
        :: second != NOBODY && kernel[second] -> requeue(second, alone)
        :: second != NOBODY && !kernel[second] -> resume(second)
        fi;
        resume(t)
     fi
  :: else
  fi
}

#if PING
bit ping, answer;  // guarded by the mutex
#define NOTHING_YET ((_pid == 0 && !ping) || (_pid == 1 && !answer))
#else
#define NOTHING_YET (items == 0)
#endif
active [2] proctype waiter() {
  short seen;
  byte tmp, t;
  bit got, last, deadline;
  mtype as = newcomer;
#if PING
  byte second, first;
#endif
  if
  :: _pid == 0 -> kernel[0] = USERS < 2; if :: deadline = 0 :: deadline = !PING fi
  :: else -> kernel[1] = USERS == 0
  fi;
  lock(_pid, as);
#if PING
  if :: _pid == 1 -> ping = 1; notify_one() :: else fi;
#endif
  do
#if PING
  :: _pid == 0 && ping -> break
  :: _pid == 1 && answer -> break
#else
  :: items > 0 -> items--; break
#endif
  :: NOTHING_YET && timed_out[_pid] -> break
  :: NOTHING_YET && !timed_out[_pid] ->
     wait(_pid, deadline);
     assert(taken[_pid] + timed_out[_pid] == 1)  // exactly one has ended the wait
  od;
#if PING
  if :: _pid == 0 -> answer = 1; notify_one() :: else fi;
#endif
  leave(_pid)
}

// The thread that runs next on the waiter's processor: publish_waiter() on its stack. It may be the
// other waiter, which then goes on only when this is done.
#define DISPATCHED 2
inline publish() {
  other = 1 - whose;
  if
#if USERS > 1
  :: atomic { woken[other] == 1 -> woken[other] = DISPATCHED; is_next = 1 }
#endif
  :: skip
  fi;
  UNLOCK(cv_bucket);
  if
  :: is_next && in_wait[other] && token[other] == newcomer && !timed_out[other] ->
     d_step {
       TOUCH();
       if
       :: word == MINE(whose) || !STEP(hand_over_only_unwanted) ->
          note_freed();
          word = MINE(other);
          note_taken(other);
          if :: STEP(tell_who_was_handed_the_mutex) -> token[other] = granted :: else fi;
          got = 1
       :: else
       fi
     }
  :: else
  fi;
  if :: got -> got = 0 :: else -> release(whose, t) fi;
  if :: is_next -> d_step { woken[other] = 1; is_next = 0 } :: else fi
}

#if USERS > 0
active [USERS] proctype next_stack() {
  short seen;
  byte tmp, t, whose, other;
  bit got, is_next;
end:
  do
  :: atomic { publish_due[1] -> publish_due[1] = 0; whose = 1 };
     publish()
#if USERS > 1
  :: atomic { publish_due[0] -> publish_due[0] = 0; whose = 0 };
     publish()
#endif
  od
}
#endif

// withdraw_from_table() and leave_on_timeout()
active proctype timer() {
  byte where;
end:
  do
  :: atomic { timer_set -> timer_set = 0 };
look:
     where = place[0];
     LOCK(bucket[where]);
     if :: !queued[0] -> goto refuse :: else fi;
     if :: place[0] != where -> UNLOCK(bucket[where]); goto look :: else fi;
     if :: epoch[0] != armed && STEP(leave_later_waits_alone) -> goto refuse :: else fi;
     if :: stays[0] -> goto refuse :: else fi;
     d_step {
       assert(where == AT_CV && cv_alive);
       if
       :: (cv_length == 1 && STEP(last_to_leave_clears_mark)) || !STEP(mark_stays_for_others) ->
          mark = 0
       :: else
       fi;
       if :: cv_queue[0] == 0 -> cv_queue[0] = cv_queue[1] :: else fi;
       cv_length--;
       queued[0] = 0;
       assert(!taken[0] && (!mark || cv_length > 0));
       timed_out[0] = 1
     };
     UNLOCK(bucket[where]);
     resume(0);
     goto done;
refuse:
     UNLOCK(bucket[where]);
done:
     skip
  od
}

active proctype notifier() {
  short seen;
  byte tmp, t, second, first;
#if ALL
  byte alone;
#endif
  bit got;
  mtype as = newcomer;
#if DESTROY
  bit last;
#endif
#if PING
  lock(NOTIFIER, as);
  unlock(NOTIFIER, t)
#elif ALL
  lock(NOTIFIER, as);
  items = 2;
  if
  :: INSIDE > 0 -> notify_all(); unlock(NOTIFIER, t)
  :: INSIDE != 1 -> unlock(NOTIFIER, t); notify_all()
  fi;
#else
  byte made;
  do
  :: made == 2 -> break
  :: else ->
     lock(NOTIFIER, as);
     items++;
     made++;
     if
     :: INSIDE > 0 -> notify_one(); unlock(NOTIFIER, t)
     :: INSIDE != 1 -> unlock(NOTIFIER, t); notify_one()
     fi
  od;
#endif
#if !PING
  cv_alive = 0
#endif
#if DESTROY
  ;
  lock(NOTIFIER, as);
  leave(NOTIFIER)
#endif
}
