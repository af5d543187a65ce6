// How long a checking build spins: until the checker says that the time is over, which may be at
// any look.
#ifndef CONC_LOCKS_SPIN_BUDGET_H
#define CONC_LOCKS_SPIN_BUDGET_H

#include "checker/operations.h"
#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "locks/clock.h"
#include "locks/usable_cpus.h"

namespace conc::detail {

class spin_timer {
 public:
  explicit spin_timer(nanos budget, nanos = no_deadline) noexcept : none_(budget == 0) {}
  bool expired() noexcept { return none_ || spin_.expired(); }

 private:
  bool none_;
  checker::bounded_spin spin_;
};

class spinner_slot {
 public:
  explicit operator bool() const noexcept { return true; }
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_SPIN_BUDGET_H
