// How the spin locks wait: pauses that grow, and after a bounded time a step aside.
//
// A spin lock whose holder is not running can only be freed by letting the holder run. So no spin
// here is endless: after some tens of microseconds at most a user-level thread yields to its
// scheduler, a kernel thread to the kernel, and then again every round; with a single usable CPU at
// once. That is what makes these locks safe to use with more threads than processors.
#ifndef CONC_DETAIL_SPIN_WAIT_H
#define CONC_DETAIL_SPIN_WAIT_H

#include "conc/config.h"

namespace conc::detail {

// Lets other threads run: the scheduler's yield or the kernel's. Then spins may go on.
CONC_API void give_way() noexcept;

// Rounds of waiting before the first give_way(): 0 with one usable CPU, where nothing can change
// while we look.
CONC_API unsigned spin_rounds() noexcept;

class spin_wait {
 public:
  // One round: between two looks at the lock. The caller looks with a load, not with a write.
  void once() noexcept {
    if (round_ == not_started) {
      round_ = 0;
      rounds_ = spin_rounds();
    }
    if (round_ >= rounds_) return give_way();
    // 1, 2, 4 … 32 pauses: short waits stay short, long ones leave the cache line alone.
    const unsigned pauses = 1u << (round_ < 5 ? round_ : 5);
    for (unsigned i = 0; i < pauses; ++i) CONC_CPU_RELAX();
    ++round_;
  }

 private:
  static constexpr unsigned not_started = ~0u;
  unsigned round_ = not_started;
  unsigned rounds_ = 0;
};

}  // namespace conc::detail

#endif  // CONC_DETAIL_SPIN_WAIT_H
