// L: how long it takes until a kernel thread that is woken from sleep on another CPU answers.
//
// C (block_cost.h) is CPU time on one CPU; this is a delay between two. A CPU with nothing to do is
// halted and has to be interrupted, which on a virtual machine takes many times C.
#ifndef CONC_LOCKS_WAKE_LATENCY_H
#define CONC_LOCKS_WAKE_LATENCY_H

#include "locks/clock.h"

namespace conc::detail {

// From the return of the futex wake to the answer of the one woken, in nanoseconds: twice the
// median, since half of the answers come later than that; 0 with one usable CPU, or if the
// measurement is impossible. Measured once per process, at the first call, by two kernel threads on
// two CPUs (about a millisecond); at most 100,000.
nanos wake_latency() noexcept;

// The same without waiting: 0 until it is known. The first call has it measured in the background.
nanos wake_latency_if_known() noexcept;

}  // namespace conc::detail

#endif  // CONC_LOCKS_WAKE_LATENCY_H
