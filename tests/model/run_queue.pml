// The queue's lock that is biased to its owner, with store buffers: src/sched/run_queue.h and .cc,
// whose names these are.
//
// The owner enters the queue's section SECTIONS times and may then compute for ever, or stop inside
// for long; THIEVES try TRIES times each to get in. What the owner stores waits in its store buffer
// (x86-TSO), in order, until it is flushed at any moment, or by a locked instruction of its own or
// by a thief's membarrier. A thief's stores are made visible by the locked instruction with which it
// ends its section; inside it reads what it has written itself.
//
// What is proved: owner and thief are never inside at once, and who enters sees what the last one
// has left of the queue (`content`). A thief that gives up is no fault.
//
// SYMMETRIC: as it is without membarrier, with locked instructions on the owner's side.
//
//@ prove SECTIONS=3 THIEVES=2 TRIES=1 SYMMETRIC=0
//@ prove SECTIONS=3 THIEVES=2 TRIES=1 SYMMETRIC=1
//@ prove-long SECTIONS=4 THIEVES=2 TRIES=2 SYMMETRIC=0 big
//@ without owner_looks: assertion violated
//@ without membarrier: assertion violated
//@ without wait_for_owner: assertion violated
//@ without owner_stays_out: assertion violated
//@ without tickets_differ: assertion violated
//@ without locked_exchange: assertion violated: SECTIONS=3 THIEVES=2 TRIES=1 SYMMETRIC=1
#include "step.pml"

#define BUSY 0
#define ACKNOWLEDGED 1
#define CONTENT 2

byte memory[3];
byte attention;  // the ticket of the thief that is at work, or 0
byte tickets;

// The owner's store buffer.
byte where[6], what[6];
byte stores;

byte inside;
byte content;  // what the queue really holds

inline flush_one() {
  memory[where[0]] = what[0];
  stores--;
  i = 0;
  do
  :: i == stores -> break
  :: else -> where[i] = where[i + 1]; what[i] = what[i + 1]; i++
  od;
  where[i] = 0; what[i] = 0; i = 0
}

inline drain() {
  do :: stores == 0 -> break :: else -> flush_one() od
}

inline put(to, value) {
  d_step {
    if :: stores == 6 -> flush_one() :: else fi;
    where[stores] = to;
    what[stores] = value;
    stores++
  }
}

// What the owner reads: its own newest store, else memory.
inline get(from, value) {
  d_step {
    value = memory[from];
    i = 0;
    do
    :: i == stores -> break
    :: else -> if :: where[i] == from -> value = what[i] :: else fi; i++
    od;
    i = 0
  }
}

inline come_in() {
  d_step { assert(inside == 0); inside = 1 }
}

active proctype owner() {
  byte sections, ticket, seen, i;
end:
  do
  :: sections == SECTIONS -> break
  :: sections < SECTIONS ->
     sections++;
     do  // enter()
     :: if
        :: SYMMETRIC && STEP(locked_exchange) -> d_step { drain(); memory[BUSY] = 1 }
        :: else -> put(BUSY, 1)
        fi;
        ticket = attention;
        if
        :: ticket == 0 || !STEP(owner_looks) -> break
        :: else -> ticket = attention  // enter_slowly() looks again
        fi;
        if
        :: ticket == 0 -> break
        :: else ->
           put(BUSY, 0);  // wait_for_thief()
           do
           :: ticket = attention;
              if
              :: ticket == 0 -> break
              :: else ->
                 put(ACKNOWLEDGED, ticket);
                 if :: !STEP(owner_stays_out) -> goto inside_section :: else fi;
                 attention != ticket
              fi
           od
        fi
     od;
inside_section:
     come_in();
     get(CONTENT, seen);
     assert(seen == content);
     content++;
     put(CONTENT, content);
     inside = 0;
     put(BUSY, 0)
  od
}

active [THIEVES] proctype thief() {
  byte tries, ticket, before, i;
  bit allowed;
  do
  :: tries == TRIES -> break
  :: else ->
     d_step {
       tries++;
       allowed = 0;
       if :: STEP(tickets_differ) -> tickets++ :: else -> tickets = 1 fi;
       ticket = tickets
     };
     // begin_theft()
     d_step { before = attention; if :: before == 0 -> attention = ticket :: else fi };
     if
     :: before != 0 -> goto next
     :: else
     fi;
#if !SYMMETRIC
     if
     :: memory[ACKNOWLEDGED] == ticket -> allowed = 1  // asked and answered
     :: if :: STEP(membarrier) -> d_step { drain(); true } :: else fi
     fi;
#endif
     if
     :: allowed
     :: !allowed && (memory[BUSY] == 0 || !STEP(wait_for_owner)) -> allowed = 1
     :: !allowed  // its patience is at an end
     fi;
     if
     :: allowed ->
        come_in();
        assert(memory[CONTENT] == content);
        content = content + 10;
        memory[CONTENT] = content;
        inside = 0
     :: else
     fi;
     attention = 0;  // end_theft()
next:
     before = 0
  od
}

active proctype store_buffer() {
  byte i;
end:
  do
  :: d_step { stores > 0 -> flush_one() }
  od
}
