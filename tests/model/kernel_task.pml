// How a kernel thread waits and is woken: src/locks/kernel_task.cc, whose names it keeps.
//
// One owner waits WAITS times, each time with or without a deadline; two wakers end its waits. What
// it waits on is a place in a queue under a bucket's lock: whoever takes the owner off that place
// owes it exactly one resume(). The first waits are there for the second: a waker that is late
// with its futex_wake() meets the owner in a wait of a later time.
//
// Not here: the memory orders (tests/checker has them), and how long the spinning lasts, which may
// end at any moment.
//
//@ prove WAITS=2
//@ prove-long WAITS=4
//@ without consume: assertion violated
//@ without wake_the_sleeper: invalid end state
//@ without swap_only_empty: invalid end state
//@ without kernel_compares: invalid end state
//@ without ask_before_leaving: assertion violated
//@ without wait_for_a_wake_under_way: assertion violated
#include "step.pml"

#define EMPTY 0
#define GIVEN 1
#define ASLEEP 2

byte permit = EMPTY;
bit in_kernel;   // the owner is queued in the kernel for the permit word
bit bucket;      // the lock
bit queued;      // the owner can be found
bit ended;       // the owner waits no more
byte spurious = 1;  // how often the kernel may still end a sleep without a reason

// What has been promised and what has arrived.
byte resumed, arrived;

// take_permit()
inline look_for_permit() {
  atomic {  // a load; the store has no rival, since nobody gives a second permit
    if
    :: permit == GIVEN ->
       woken = 1;
       if :: STEP(consume) -> permit = EMPTY :: else fi
    :: else
    fi
  }
}

// withdraw_from_table(), with the epoch: there is no other wait that the owner could be in.
inline withdraw() {
  LOCK(bucket);
  atomic { left = queued || !STEP(ask_before_leaving); queued = 0; UNLOCK(bucket) }
}

active proctype owner() {
  byte waits, seen;
  bit woken, deadline, passed, left;
  do
  :: waits == WAITS -> break
  :: else ->
     atomic {
       waits++;
       woken = 0; left = 0;
       if :: deadline = 1 :: deadline = 0 fi
     }
     LOCK(bucket);
     queued = 1;
     UNLOCK(bucket);  // suspend_kernel_thread(): publish()

     if :: look_for_permit() :: skip fi;  // spin_for_permit(): found, or the time is over
     do
     :: woken || left -> break
     :: else ->
        // permit.compare_exchange_strong(empty, asleep)
        atomic {
          seen = permit;
          if :: seen == EMPTY || !STEP(swap_only_empty) -> permit = ASLEEP :: else fi
        }
        if
        :: seen == GIVEN
        :: else ->
           // futex_wait(): the kernel compares and queues in one step.
           atomic {
             passed = 0;
             if :: permit == ASLEEP || !STEP(kernel_compares) -> in_kernel = 1 :: else fi
           }
           if
           :: !in_kernel
           :: atomic { in_kernel && spurious > 0 -> spurious--; in_kernel = 0 }
           :: atomic { in_kernel && deadline -> in_kernel = 0; passed = 1 }
           fi;
           if
           :: passed ->
              deadline = 0;
              withdraw();
              if
              :: left -> permit = EMPTY
              :: else -> if :: STEP(wait_for_a_wake_under_way) :: else -> left = 1 fi
              fi
           :: else
           fi
        fi;
        if :: left :: else -> look_for_permit() fi
     od;
     atomic {
       if :: woken -> arrived++ :: else fi;
       assert(!queued && !in_kernel);
       assert(resumed == arrived)  // each wake ends one wait, and no wait ends twice
     }
  od;
  ended = 1
}

active [2] proctype waker() {
  byte before;
end:
  do
  :: ended -> break
  :: atomic { queued && !bucket -> bucket = 1 };
     atomic { queued = 0; resumed++; UNLOCK(bucket) };
     // resume_kernel_thread()
     atomic { before = permit; assert(before != GIVEN); permit = GIVEN };
     if
     :: before == ASLEEP && STEP(wake_the_sleeper) -> in_kernel = 0  // futex_wake()
     :: else
     fi
  od
}
