// How a processor gets away from a kernel thread that blocks: src/sched/lending.h and .cc, whose
// names these are, with add_spare() and adopt() of scheduler.cc.
//
// PROCESSORS processors, each with a carrier; SPARES spares are there from the beginning, and others,
// up to CARRIERS in all, are made when a section needs them. Threads enter SECTIONS blocking sections in all, one after the other or at
// once; each ends at some moment or never. A carrier with a processor runs threads, that is: it may
// enter a section, and it takes the threads that have come back from theirs. Spares beyond LASTING
// may end, when their patience does.
//
// What is proved: a processor is held by one carrier at a time, and by the one that it names as its
// holder; and when nothing moves any more no processor is lent, and every thread that has come back
// has been run. The standby's ticks are moves.
//
// Not here: I/O, the end of the runtime, the permits (semaphore.pml).
//
//@ prove PROCESSORS=1 CARRIERS=4 SPARES=2 SECTIONS=1 LASTING=1
//@ prove PROCESSORS=1 CARRIERS=3 SPARES=1 SECTIONS=1 LASTING=0
//@ prove PROCESSORS=2 CARRIERS=4 SECTIONS=1 LASTING=0
//@ prove-long PROCESSORS=1 CARRIERS=3 SECTIONS=2 LASTING=1 big
//@ prove-long PROCESSORS=1 CARRIERS=4 SECTIONS=2 LASTING=0 big
//@ prove-long PROCESSORS=2 CARRIERS=4 SECTIONS=2 LASTING=1 big
//@ prove-long PROCESSORS=2 CARRIERS=4 SPARES=1 SECTIONS=2 LASTING=2 big
//@ without ring_for_a_standby: assertion violated
//@ without look_for_loans: assertion violated
//@ without list_before_the_look: assertion violated
//@ without take_a_loan_by_swap: assertion violated
//@ without end_only_unless_rung_for: assertion violated
//@ without make_a_spare: assertion violated: PROCESSORS=1 CARRIERS=3 SPARES=1 SECTIONS=1 LASTING=0
//@ without count_before_the_look: assertion violated: PROCESSORS=1 CARRIERS=3 SPARES=1 SECTIONS=1 LASTING=0
//@ without leave_before_the_look: assertion violated: PROCESSORS=1 CARRIERS=3 SPARES=1 SECTIONS=1 LASTING=0
//@ without swap_ones_own_loan: assertion violated: PROCESSORS=1 CARRIERS=3 SECTIONS=2 LASTING=1
//@ without give_the_post_up_first: assertion violated: PROCESSORS=2 CARRIERS=4 SECTIONS=2 LASTING=2
//@ without ring_for_the_rest: assertion violated: PROCESSORS=2 CARRIERS=4 SECTIONS=2 LASTING=2
#include "step.pml"

#ifndef SPARES
#define SPARES 0
#endif
#define NONE 9

byte lease[PROCESSORS], loan_number[PROCESSORS], loan_seen[PROCESSORS];
byte holder[PROCESSORS];
byte runs[PROCESSORS];   // carriers that hold the processor: at most one
byte lent, sections, pending;
bit standby;
bit started[CARRIERS];
byte carriers_alive = PROCESSORS + SPARES;
bit listed[CARRIERS];
byte idle_spares;
byte bell[CARRIERS];
byte to_come = SECTIONS;

#define SAME(p) (lease[p] == loan_seen[p])

inline obtain(p) {
  runs[p]++;
  assert(runs[p] == 1)
}

// The sections of the lock of the list of spares are single steps: nothing else happens in them.

// ring_for_spare()
inline ring_for_spare() {
  atomic {
    if
    :: listed[0] -> other = 0
    :: listed[1] -> other = 1
    :: listed[2] -> other = 2
#if CARRIERS > 3
    :: listed[3] -> other = 3
#endif
    :: idle_spares == 0 -> other = NONE
    fi;
    if :: other != NONE -> d_step { listed[other] = 0; idle_spares-- } :: else fi
  };
  if :: other != NONE -> bell[other]++ :: else fi;
  other = 0
}

inline list(me) {
  atomic {
    listed[me] = 1; idle_spares++; too_many = idle_spares > LASTING
  }
}

// `too_many` is cleared if the carrier has been taken off the list to be rung for.
inline unlist(me) {
  d_step {
    if
    :: listed[me] -> listed[me] = 0; idle_spares--
    :: else -> if :: STEP(end_only_unless_rung_for) -> too_many = 0 :: else fi
    fi
  }
}

// provide_spare(), add_spare()
inline provide_spare() {
  if
  :: STEP(count_before_the_look) -> sections++; enough = carriers_alive >= PROCESSORS + sections
  :: else ->
     enough = carriers_alive >= PROCESSORS + sections + 1;
     sections++  // without STEP(count_before_the_look)
  fi;
  if
  :: !enough && STEP(make_a_spare) ->
     d_step {
       assert(true);
       do
       :: carriers_alive >= PROCESSORS + sections -> break
       :: else ->
          other = 0;
          do
          :: started[other] -> other++
          :: else -> break
          od;
          started[other] = 1;
          carriers_alive++
       od;
       other = 0
     }
  :: else
  fi;
  enough = 0
}

// A thread's stay in a section, on carrier `me` with its processor.
inline blocking_section(me) {
  provide_spare();
  d_step {
    lender = proc;
    proc = NONE;
    loan_number[lender]++;
    mine = loan_number[lender] * 2 + 1;
    runs[lender]--;
    lease[lender] = mine
  };
  lent++;
  if :: !standby && STEP(ring_for_a_standby) -> ring_for_spare() :: else fi;
  if
  :: skip  // f() returns
  :: goto end_blocked
  fi;
  d_step {
    if
    :: lease[lender] == mine || (lease[lender] != 0 && !STEP(swap_ones_own_loan)) ->
       lease[lender] = 0;
       proc = lender;
       obtain(lender);
       assert(holder[lender] == me)
    :: else
    fi;
    lender = 0;
    mine = 0
  };
  if
  :: proc != NONE -> lent--; sections--
  :: else -> pending++  // leave_as_spare(): posted from the carrier's own stack
  fi
}

// stand_by(): takes a processor whose loan is that of the last look, or gives up.
inline stand_by(me) {
  do
  :: p = 0;
     mine = 0;
     do
     :: p == PROCESSORS || proc != NONE -> break
     :: else ->
        loan = lease[p];
        d_step { enough = loan == loan_seen[p]; loan_seen[p] = loan };
        if
        :: loan != 0 ->
           mine = 1;  // not quiet
           if
           :: enough ->
              if
              :: STEP(take_a_loan_by_swap) ->
                 d_step {
                   if :: lease[p] == loan -> lease[p] = 0; obtain(p); proc = p :: else fi
                 }
              :: else ->
                 d_step { lease[p] = 0; proc = p; obtain(p) }  // without STEP(take_a_loan_by_swap)
              fi;
              if :: proc != NONE -> lent-- :: else fi
           :: else
           fi
        :: else
        fi;
        p++
     od;
     if
     :: proc != NONE -> break
     :: proc == NONE && !mine -> break  // quiet for some ticks
     :: else
     fi
  od;
  p = 0; loan = 0; enough = 0; mine = 0
}

active [CARRIERS] proctype carrier() {
  byte proc = NONE;
  byte other, lender, mine, p, loan, rung;
  bit enough, too_many;

  if :: _pid < PROCESSORS -> proc = _pid :: else fi;
end_not_started:
  started[_pid];

  do
  // A thread runs here.
  :: d_step { proc != NONE && to_come > 0 -> to_come-- }; blocking_section(_pid)
  :: d_step { proc != NONE && pending > 0 -> pending--; sections-- }
  :: proc != NONE && to_come == 0 && pending == 0 ->
end_running:
     to_come > 0 || pending > 0

  // wait_as_spare()
  :: proc == NONE ->
     rung = bell[_pid];
     if :: STEP(list_before_the_look) -> list(_pid) :: else fi;
     enough = lent != 0 && STEP(look_for_loans);
     if :: enough -> d_step { enough = !standby; standby = 1 } :: else fi;
     if :: STEP(list_before_the_look) :: else -> list(_pid) fi;
     if
     :: enough ->
        d_step { enough = 0; too_many = 0 };
        unlist(_pid);
        stand_by(_pid);
        if
        :: STEP(give_the_post_up_first) -> standby = 0
        :: else
        fi;
        if
        :: proc != NONE ->
           holder[proc] = _pid;  // adopt()
           if :: lent != 0 && STEP(ring_for_the_rest) -> ring_for_spare() :: else fi
        :: else
        fi;
        if :: STEP(give_the_post_up_first) :: else -> standby = 0 fi
     :: else ->
end_resting:
        if
        :: bell[_pid] != rung -> too_many = 0
        :: bell[_pid] == rung && too_many  // its patience is at an end
        fi;
        unlist(_pid);
        if
        :: too_many ->
           // may_end()
           if
           :: STEP(leave_before_the_look) ->
              carriers_alive--;
              if
              :: carriers_alive >= PROCESSORS + sections -> goto over
              :: else -> carriers_alive++
              fi
           :: else ->
              if
              :: carriers_alive - 1 >= PROCESSORS + sections ->
                 carriers_alive--;  // without STEP(leave_before_the_look)
                 goto over
              :: else
              fi
           fi
        :: else
        fi;
        too_many = 0
     fi;
     rung = 0
  od;
end_blocked:
  false;
over:
  true;
  // The next spare that is needed may be made in its place.
  d_step { too_many = 0; rung = 0; enough = 0; started[_pid] = 0 };
  goto end_not_started
}

init {
  d_step {
    runs[0] = 1;
#if PROCESSORS > 1
    holder[1] = 1; runs[1] = 1; started[1] = 1;
#endif
#if SPARES > 0
    started[PROCESSORS] = 1;
#endif
#if SPARES > 1
    started[PROCESSORS + 1] = 1;
#endif
    started[0] = 1
  }
}

active proctype nothing_moves() {
  timeout -> assert(lent == 0 && lease[0] == 0 && pending == 0)
}
