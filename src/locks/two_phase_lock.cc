#include "conc/two_phase_lock.h"

#include <algorithm>
#include <limits>

#include "conc/detail/spin_wait.h"
#include "locks/block_cost.h"
#include "locks/usable_cpus.h"

namespace conc {

namespace {
constexpr std::int64_t for_ever = std::numeric_limits<std::int64_t>::max();
}

std::chrono::nanoseconds measured_block_cost() noexcept {
  return std::chrono::nanoseconds(detail::block_cost());
}

two_phase_lock::two_phase_lock(spin_limit limit) noexcept : limit_(limit.fixed_) {
  if (limit.fixed_ < 0) {
    const double nanos = limit.factor_ * static_cast<double>(detail::block_cost());
    limit_ = static_cast<std::int64_t>(std::clamp(nanos, 0.0, 1e9));
  }
}

two_phase_lock::~two_phase_lock() = default;

void two_phase_lock::lock() noexcept {
  if (inner_.try_lock() || spin()) return;
  inner_.lock_without_spinning();
}

// The first phase. True if it ended with the lock.
bool two_phase_lock::spin() noexcept {
  if (limit_ == for_ever) {
    detail::spin_wait wait;
    while (!inner_.try_lock()) wait.once();
    return true;
  }
  if (limit_ == 0 || detail::usable_cpus() == 1) return false;
  // The clock is read every few looks: looking is what matters, the limit is not exact to 100 ns.
  const detail::nanos end = detail::now() + limit_;
  do {
    for (int look = 0; look < 8; ++look) {
      if (inner_.try_lock()) return true;
      CONC_CPU_RELAX();
    }
  } while (detail::now() < end);
  return false;
}

}  // namespace conc
