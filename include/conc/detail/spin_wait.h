// How the spin locks wait: pauses that grow, and after a bounded time a step aside.
//
// A spin lock whose holder is not running can only be freed by letting the holder run. So no spin
// here is endless: it lasts for about as long as a step aside costs, and then the caller steps aside
// before each further look. A user-level thread yields to its scheduler, and, since the holder may
// also be waiting for the CPU, now and then its kernel thread to the kernel; a kernel thread yields
// to the kernel. With a single usable CPU nobody spins, for nothing can change while we look. That
// is what makes these locks safe to use with more threads than processors.
#ifndef CONC_DETAIL_SPIN_WAIT_H
#define CONC_DETAIL_SPIN_WAIT_H

#include <cstdint>

#include "conc/config.h"

namespace conc::detail {

// Lets other threads run: the scheduler's yield or the kernel's.
CONC_API void give_way() noexcept;

class CONC_API spin_wait {
 public:
  // Passes some time between two looks at the lock. The caller looks with a load, not with a write.
  void once() noexcept;

 private:
  std::int64_t end_ = 0;  // of the spin, on the steady clock; 0: not begun
  std::uint32_t rounds_ = 0;
  std::uint32_t steps_aside_ = 0;
};

// Waits until `condition()` holds. Out of line, so that a lock's way without contention stays a
// handful of instructions.
template <class Condition>
[[gnu::cold, gnu::noinline]] void spin_until(Condition condition) {
  spin_wait wait;
  while (!condition()) wait.once();
}

}  // namespace conc::detail

#endif  // CONC_DETAIL_SPIN_WAIT_H
