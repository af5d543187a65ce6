// How long and how many: the limits of spinning.
//
// Spins are bounded by time, never by a count of PAUSE, whose length differs tenfold between
// processor generations; and at most (usable CPUs - 1) kernel threads of the process spin at once,
// so that somebody is left to do the work that is waited for. With one CPU nobody spins.
#ifndef CONC_LOCKS_SPIN_BUDGET_H
#define CONC_LOCKS_SPIN_BUDGET_H

#include <algorithm>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "locks/clock.h"
#include "locks/usable_cpus.h"

namespace conc::detail {

// A bounded stretch of time, looked at cheaply: the clock (23 ns) is read once in sixteen steps.
class spin_timer {
 public:
  // Ends with the budget or at the deadline, whichever comes first.
  explicit spin_timer(nanos budget, nanos deadline = no_deadline) noexcept
      : end_(std::min(now() + budget, deadline)) {}
  bool expired() noexcept { return ++steps_ % 16 == 0 && now() >= end_; }

 private:
  nanos end_;
  unsigned steps_ = 0;
};

inline constinit atomic<unsigned> spinners_now{0};

// The permission to spin; converts to false if there is none.
class spinner_slot {
 public:
  spinner_slot() noexcept {
    const unsigned limit = usable_cpus() - 1;
    if (limit == 0) return;
    // Two that take turns are both here for a moment: the one who was just woken gives its slot
    // back within a few nanoseconds, and the one who woke it would otherwise go to sleep for that.
    for (int look = 0; look < 16; ++look) {
      if (spinners_now.load(memory_order_relaxed) < limit) {
        held_ = spinners_now.fetch_add(1, memory_order_relaxed) < limit;
        if (held_) return;
        spinners_now.fetch_sub(1, memory_order_relaxed);
      }
      CONC_CPU_RELAX();
    }
  }
  ~spinner_slot() {
    if (held_) spinners_now.fetch_sub(1, memory_order_relaxed);
  }
  spinner_slot(const spinner_slot&) = delete;
  spinner_slot& operator=(const spinner_slot&) = delete;
  explicit operator bool() const noexcept { return held_; }

 private:
  bool held_ = false;
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_SPIN_BUDGET_H
