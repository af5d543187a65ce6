// C: what it costs to block and be woken, in CPU time. The unit in which waiting is decided.
//
// Spinning for C and then blocking never costs more than twice what a clairvoyant waiter would pay
// (Karlin, Manasse, McGeoch, Owicki: "Competitive randomized algorithms for nonuniform problems",
// 1990; the argument is the one of renting skis). C is a property of this machine and this kernel,
// so it is measured, not assumed.
#ifndef CONC_LOCKS_BLOCK_COST_H
#define CONC_LOCKS_BLOCK_COST_H

#include "locks/clock.h"

namespace conc::detail {

// The CPU cost of one futex wait plus the wake that ends it, in nanoseconds. Measured once per
// process, at the first call, by two kernel threads that wake each other on one CPU (about two
// milliseconds); bounded to 500 … 50,000 so that one bad measurement cannot spoil the process.
// If the measurement is impossible (no thread can be made): 5000.
nanos block_cost() noexcept;

// The same without waiting: until a measurement is there the assumed 5000. The first call starts
// one in the background, on kernel threads of its own that end after some milliseconds.
nanos block_cost_if_known() noexcept;

}  // namespace conc::detail

#endif  // CONC_LOCKS_BLOCK_COST_H
