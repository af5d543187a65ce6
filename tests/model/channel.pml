// Two unbuffered channels, and who waits at both: src/locks/channel.cc, channel_waiter.h, select.cc.
//
// SELECTORS tasks receive once, from whichever channel has something first; the first HURRIED of
// them have a deadline, which may pass at any moment. SENDERS tasks send one value each, alternately
// to the one channel and to the other, and wait until it is taken. With CLOSER somebody closes both
// at any moment; else everybody has to find a partner.
//
// A selector's records, one in each channel, are contested: whoever takes one off has to claim the
// selector besides, under the lock of its bucket. The records are gone when it has cleaned up.
//
//@ prove SELECTORS=1 SENDERS=2 HURRIED=1 CLOSER=1
//@ prove SELECTORS=2 SENDERS=2 HURRIED=0 CLOSER=0
//@ prove-long SELECTORS=2 SENDERS=2 HURRIED=1 CLOSER=1 big
//@ prove-long SELECTORS=2 SENDERS=3 HURRIED=1 CLOSER=1 big
//@ without claim: assertion violated
//@ without drop_what_is_over: assertion violated
//@ without leave_the_others: assertion violated
//@ without look_before_waiting: invalid end state: SELECTORS=2 SENDERS=2 HURRIED=0 CLOSER=0
//@ without stand_in_both_before_unlocking: invalid end state: SELECTORS=2 SENDERS=2 HURRIED=0 CLOSER=0
//@ without close_wakes_receivers: invalid end state
//@ without close_wakes_senders: invalid end state
//@ without nobody_waits_once_closed: invalid end state
#include "step.pml"

#define NOBODY 9

typedef channel {
  bit lock, closed;
  bit receiver[SELECTORS];  // whose record is queued; the order makes no difference here
  bit sender[SENDERS];
}
channel at[2];

bit bucket[SELECTORS];
bit parked[SELECTORS];            // in the parking table: may be claimed
bit here[SELECTORS];              // its records exist
byte outcomes[SELECTORS];         // how often a wait was ended
bit woken[SELECTORS], sent[SENDERS], gone[SENDERS];
byte delivered, refused;

// claim(), of a record that has been taken off; sets `mine`
inline claim(t) {
  assert(here[t]);
  LOCK(bucket[t]);
  d_step {
    mine = parked[t] || !STEP(claim);
    if :: mine -> parked[t] = 0; outcomes[t]++; assert(outcomes[t] == 1) :: else fi;
    UNLOCK(bucket[t])
  }
}

// take_waiter() among the receivers: `t` is one whose wait is ours to end, or NOBODY
inline take_receiver(c) {
  do
  :: d_step {
       t = 0;
       do
       :: t == SELECTORS || at[c].receiver[t] -> break
       :: else -> t++
       od;
       if :: t == SELECTORS -> t = NOBODY :: else -> at[c].receiver[t] = 0 fi
     };
     if :: t == NOBODY -> break :: else fi;
     claim(t);
     if :: mine || !STEP(drop_what_is_over) -> break :: else fi
  od
}

proctype sending(byte me; byte c) {
  byte t;
  bit mine;
  LOCK(at[c].lock);  // send()
  take_receiver(c);
  if
  :: at[c].closed -> refused++; gone[me] = 1; UNLOCK(at[c].lock)
  :: !at[c].closed && t != NOBODY ->
     UNLOCK(at[c].lock);
     d_step { assert(here[t]); delivered++; sent[me] = 1; woken[t] = 1 }
  :: !at[c].closed && t == NOBODY ->
     d_step { at[c].sender[me] = 1; UNLOCK(at[c].lock) };
     if
     :: sent[me]
     :: gone[me] -> refused++
     fi
  fi;
  assert(sent[me] + gone[me] == 1)
}

inline find_sender(c) {
  d_step {
    s = 0;
    do
    :: s == SENDERS || at[c].sender[s] -> break
    :: else -> s++
    od;
    if :: s == SENDERS -> s = NOBODY :: else -> at[c].sender[s] = 0 fi
  }
}

inline leave(c) {
  LOCK(at[c].lock);
  d_step { at[c].receiver[me] = 0; UNLOCK(at[c].lock) }
}

proctype selecting(byte me; bit hurried) {
  byte s = NOBODY;
  bit late, waits;
  LOCK(at[0].lock);  // lock_all()
  LOCK(at[1].lock);
  if
  :: STEP(look_before_waiting) ->
     find_sender(0);
     if :: s == NOBODY -> find_sender(1) :: else fi
  :: else
  fi;
  if
  :: s != NOBODY ->
     d_step { UNLOCK(at[0].lock); UNLOCK(at[1].lock) };
     d_step { assert(!sent[s]); sent[s] = 1; delivered++ }  // the value, and its wake
  :: s == NOBODY && (at[0].closed || at[1].closed) && STEP(nobody_waits_once_closed) ->
     d_step { UNLOCK(at[0].lock); UNLOCK(at[1].lock) }
  :: else ->
     if
     :: STEP(stand_in_both_before_unlocking) ->
        LOCK(bucket[me]);
        d_step {
          here[me] = 1;
          at[0].receiver[me] = 1;
          at[1].receiver[me] = 1;
          parked[me] = 1;
          UNLOCK(at[0].lock);
          UNLOCK(at[1].lock);
          UNLOCK(bucket[me])
        }
     :: else ->
        d_step {  // without STEP(stand_in_both_before_unlocking)
          UNLOCK(at[0].lock);
          UNLOCK(at[1].lock)
        };
        d_step {  // without STEP(stand_in_both_before_unlocking)
          here[me] = 1; at[0].receiver[me] = 1; at[1].receiver[me] = 1; parked[me] = 1
        }
     fi;
     waits = 1
  fi;
  if
  :: !waits
  :: waits && woken[me]
  :: waits && hurried ->  // withdraw_from_table()
     LOCK(bucket[me]);
     d_step {
       late = parked[me];
       parked[me] = 0;
       if :: late -> outcomes[me]++ :: else fi;
       UNLOCK(bucket[me])
     };
     if :: late :: else -> woken[me] == 1 fi
  fi;
  if
  :: waits && STEP(leave_the_others) -> leave(0); leave(1)  // clean_up()
  :: else
  fi;
  d_step {
    assert(!waits || outcomes[me] == 1);
    here[me] = 0
  }
}

inline close(c) {
  LOCK(at[c].lock);
  at[c].closed = 1;
  do
  :: STEP(close_wakes_receivers) ->
     take_receiver(c);
     if
     :: t == NOBODY -> break
     :: else -> woken[t] = 1
     fi
  :: else -> break  // without STEP(close_wakes_receivers)
  od;
  true;
  d_step {
    s = 0;
    do
    :: s == SENDERS -> break
    :: else ->
       if
       :: at[c].sender[s] && STEP(close_wakes_senders) -> at[c].sender[s] = 0; gone[s] = 1
       :: else
       fi;
       s++
    od;
    s = 0;
    UNLOCK(at[c].lock)
  }
}

#if CLOSER
proctype closer() {
  byte s, t;
  bit mine;
  close(0);
  close(1)
}
#endif

init {
  byte i;
  atomic {
    do
    :: i == SELECTORS -> break
    :: else -> run selecting(i, i < HURRIED); i++
    od;
    i = 0;
    do
    :: i == SENDERS -> break
    :: else -> run sending(i, i % 2); i++
    od;
#if CLOSER
    run closer()
#endif
  };
  _nr_pr == 1;
  assert(delivered + refused == SENDERS)
}
