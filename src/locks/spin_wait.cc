#include "conc/detail/spin_wait.h"

#include <sched.h>

#include "locks/clock.h"
#include "locks/kernel_task.h"
#include "locks/mutants.h"
#include "locks/task.h"
#include "locks/usable_cpus.h"

namespace conc::detail {
namespace {

// How long a step aside takes, with the way back: the kernel's some microseconds, the scheduler's
// less than one; but a lock that another CPU holds for a moment is worth waiting for.
constexpr nanos kernel_thread_spins = 8'000;
constexpr nanos user_thread_spins = 500;
constexpr std::uint32_t longest_pause = 5;  // 32 times PAUSE, as a power of two
// Of so many steps aside to the scheduler one is to the kernel besides.
constexpr std::uint32_t to_the_kernel = 16;

}  // namespace

void give_way() noexcept {
  task& self = current_task();
  self.port->yield(self);
}

void spin_wait::once() noexcept {
  task& self = current_task();
  if (end_ == 0) {
    const nanos spin = is_kernel_thread(self) ? kernel_thread_spins : user_thread_spins;
    end_ = usable_cpus() > 1 ? now() + spin : -1;
  }
  if (end_ > 0) {
    const std::uint32_t power = rounds_ < longest_pause ? rounds_ : longest_pause;
    for (std::uint32_t i = 0; i < 1u << power; ++i) CONC_CPU_RELAX();
    // The clock costs as much as a few pauses: the first rounds go without it.
    if (++rounds_ > 3 && now() >= end_) end_ = -1;
    return;
  }
  if (CONC_STEP(spin_gives_way)) self.port->yield(self);
  if (!is_kernel_thread(self) && ++steps_aside_ % to_the_kernel == 0) sched_yield();
}

}  // namespace conc::detail
