// The mutex: mutual exclusion, no lost wake, at most K bypasses, and no touch after the hand-over.
// The protocol is in mutex_word.pml.
//
// Each task locks and unlocks ROUNDS times, blocking or by try_lock(). The first KERNEL of them are
// kernel threads, which spin; the others do not. The last to leave destroys the mutex, as soon as it
// has unlocked it: others may still be inside unlock(), on their way out.
//
// A task that is never woken again shows as an invalid end state; a mutex that a bit keeps closed
// for ever as well.
//
//@ prove TASKS=3 KERNEL=2 ROUNDS=2 K=1
//@ prove-long TASKS=3 KERNEL=3 ROUNDS=3 K=1 big
//@ prove-long TASKS=3 KERNEL=1 ROUNDS=3 K=2 big
//@ without validate_before_park: invalid end state
//@ without say_parked: invalid end state
//@ without resign_as_designated: invalid end state
//@ without loser_to_the_front: assertion violated (passed<=1)
//@ without reserve: assertion violated (passed<=1)
//@ without count_bypasses: assertion violated (passed<=1)
//@ without parked_while_others: invalid end state
//@ without wake_one_at_a_time: assertion violated
//@ without spinner_is_no_heir_at_the_bound: invalid end state
#include "step.pml"
#define NOBODY 15
#define SPIN 1
#include "mutex_word.pml"

byte to_come = TASKS * ROUNDS;  // guarded by the mutex

active [TASKS] proctype task() {
  short seen;
  byte tmp, t, rounds;
  bit got, last;
  mtype as = newcomer;
  kernel[_pid] = _pid < KERNEL;
  do
  :: rounds == ROUNDS -> break
  :: else ->
     if
     :: lock(_pid, as)
     :: d_step { IS_TAKEABLE(word) -> TOUCH(); take_as_newcomer(_pid) }  // a lucky try_lock()
     fi;
     d_step { rounds++; to_come--; last = to_come == 0; assert(designated_now <= 1) };
     unlock(_pid, t);
     if :: last -> assert(word == 0); mutex_alive = 0 :: else fi
  od
}
