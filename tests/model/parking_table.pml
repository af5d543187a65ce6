// The parking table's protocol: src/locks/parking_table.h and .cc, whose names it keeps.
//
// WAITERS tasks wait first for object A, perhaps with a deadline, and then until B's condition is true,
// without one. A's notifier takes one waiter off after the other and wakes it, or moves it to B's
// queue, as the notifications of a condition variable do; B's may wake one in vain before it wakes
// them all. The timer of a waiter's first wait may expire at any moment, however late: also when
// that wait is over and the next has begun, which is what epochs are for.
//
// A queue is an array here. That the linked lists of parking_table.cc do what an array does, under
// one lock, is what tests/unit/parking_table_test.cc is for. The task port is that of kernel_task.pml
// and park_switch.pml: each suspend() is ended by one resume().
//
//@ prove WAITERS=1
//@ prove-long WAITERS=2 big
//@ without validate: invalid end state
//@ without validate_requeued: invalid end state
//@ without word_before_lock: invalid end state
//@ without stays_when_requeued: assertion violated
//@ without look_whether_queued: assertion violated
//@ without look_whether_moved: assertion violated
//@ without leave_later_waits_alone: assertion violated
//@ without address_before_flag: assertion violated
#include "step.pml"

#define A 0
#define B 1
#define NOBODY 9

mtype = { notified, timed_out };

bit bucket[2];      // the locks; A and B hash to different buckets
bit come_true[2];   // the conditions
byte queue[4];      // of A: 0 and 1, of B: 2 and 3
byte length[2];
bit inside_queue[4];  // by queue * 2 + waiter: what the arrays say, to check `queued` against

typedef task {
  bit queued;
  bit stays;           // on_timeout answers no
  byte address;
  byte epoch;
  byte woken;          // resume()s that have not ended a suspend() yet
  mtype token;
  bit taken;           // a notifier has taken the waiter off in its first wait
}
task tasks[WAITERS];

byte armed[WAITERS];   // the epoch of the wait that the waiter's timer watches
bit timer_set[WAITERS];
byte ended;            // waiters that are done

// enqueue(). [parking.queued] orders the two stores: who sees the flag sees the address.
inline append(o, t) {
  assert(!tasks[t].queued);
  if :: STEP(address_before_flag) -> tasks[t].address = o :: else -> tasks[t].queued = 1 fi;
  atomic {
    if :: STEP(address_before_flag) -> tasks[t].queued = 1 :: else -> tasks[t].address = o fi;
    queue[o * 2 + length[o]] = t;
    length[o]++;
    inside_queue[o * 2 + t] = 1
  }
}

inline take_off(o, t) {  // from wherever it stands
  assert(inside_queue[o * 2 + t]);
  if
  :: queue[o * 2] == t -> queue[o * 2] = queue[o * 2 + 1]
  :: else
  fi;
  length[o]--;
  queue[o * 2 + length[o]] = NOBODY;
  inside_queue[o * 2 + t] = 0;
  tasks[t].queued = 0
}

inline resume(t) {
  atomic { assert(tasks[t].woken == 0); tasks[t].woken = 1 }
}

// park(): validate, append, suspend with the unlocking as what is published.
inline park(o, me, deadline) {
  LOCK(bucket[o]);
  if
  :: come_true[o] && STEP(validate) -> UNLOCK(bucket[o])
  :: else ->
     atomic {  // begin_wait()
       tasks[me].epoch++;
       tasks[me].stays = 0;
       if :: deadline -> armed[me] = tasks[me].epoch; timer_set[me] = 1 :: else fi
     };
     append(o, me);
     UNLOCK(bucket[o]);
     atomic { tasks[me].woken == 1 -> tasks[me].woken = 0 }
  fi
}

active [WAITERS] proctype waiter() {
  byte o = A;
  bit deadline;
  if :: deadline = 0 :: deadline = 1 fi;
  do
  :: tasks[_pid].token = notified;
     park(o, _pid, deadline);
     atomic {
       assert(deadline || tasks[_pid].token == notified);
       // Whom a notifier has taken off cannot time out any more, though it stands in a queue again.
       assert(!(tasks[_pid].taken && tasks[_pid].token == timed_out));
       if
       :: o == B && come_true[B] -> break
       :: else -> o = B; deadline = 0
       fi
     }
  od
}

// A timer that expires; withdraw_from_table().
active [WAITERS] proctype timer() {
  byte address;
  byte t = _pid - WAITERS;
end:
  atomic { timer_set[t] -> timer_set[t] = 0 };
look:
  address = tasks[t].address;
  LOCK(bucket[address]);
  if :: !tasks[t].queued && STEP(look_whether_queued) -> goto leave :: else fi;
  if
  :: tasks[t].address != address && STEP(look_whether_moved) -> UNLOCK(bucket[address]); goto look
  :: else
  fi;
  if :: tasks[t].epoch != armed[t] && STEP(leave_later_waits_alone) -> goto leave :: else fi;
  if :: tasks[t].stays -> goto leave :: else fi;  // on_timeout()
  atomic { take_off(address, t); tasks[t].token = timed_out; UNLOCK(bucket[address]) };
  resume(t);
  goto done;
leave:
  UNLOCK(bucket[address]);
done:
  skip
}

inline take_first(o, t) {
  LOCK(bucket[o]);
  atomic {
    if
    :: length[o] == 0 -> t = NOBODY
    :: else -> t = queue[o * 2]; take_off(o, t)
    fi
  }
}

active proctype notifier_of_a() {
  byte t = NOBODY;
  if :: STEP(word_before_lock) -> come_true[A] = 1 :: else fi;
  do
  :: take_first(A, t);
     if :: t != NOBODY -> tasks[t].taken = 1 :: else fi;
     UNLOCK(bucket[A]);
     if
     :: t == NOBODY -> break
     :: t != NOBODY -> resume(t)
     :: t != NOBODY ->
        // requeue_to_mutex(). The waiter is in no queue meanwhile.
        LOCK(bucket[B]);
        if
        :: come_true[B] && STEP(validate_requeued) -> UNLOCK(bucket[B]); resume(t)
        :: else ->
           if :: STEP(stays_when_requeued) -> tasks[t].stays = 1 :: else fi;
           append(B, t);
           UNLOCK(bucket[B])
        fi
     fi
  od;
  if :: STEP(word_before_lock) :: else -> come_true[A] = 1 fi
}

active proctype notifier_of_b() {
  byte t = NOBODY;
  bit in_vain = 1;
  do
  :: if :: in_vain -> in_vain = 0 :: come_true[B] = 1 fi;
     take_first(B, t);
     UNLOCK(bucket[B]);
     if
     :: t == NOBODY && come_true[B] -> break
     :: t != NOBODY -> resume(t)
     :: else
     fi
  od
}
