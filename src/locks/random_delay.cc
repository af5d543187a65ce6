#include "locks/random_delay.h"

#ifdef CONC_RANDOM_DELAYS

#include <sched.h>

#include <cerrno>
#include <cstdint>

#include "locks/clock.h"

namespace conc::detail {
namespace {

// The clock's last digits are as random as this needs, and are nobody's shared state: a generator
// that the kernel threads shared would order what the delays are meant to disorder.
std::uint64_t draw() noexcept {
  const auto mixed = static_cast<std::uint64_t>(now()) * 0x9E3779B97F4A7C15u;
  return mixed ^ (mixed >> 32);
}

}  // namespace

void random_delay() noexcept {
  const std::uint64_t drawn = draw();
  const std::uint64_t length = drawn >> 16;
  if (drawn % 16 != 0) return;
  const int saved = errno;
  switch (drawn / 16 % 64) {
    case 0: {  // longer than anybody waits with patience: the kernel has taken the CPU away
      const timespec t = {0, static_cast<long>(length % 50'000)};
      nanosleep(&t, nullptr);
      break;
    }
    case 1:
    case 2:
    case 3:
      sched_yield();
      break;
    default:  // about as long as the other side's steps take
      for (const nanos end = now() + static_cast<nanos>(length % 2'000); now() < end;) {
      }
  }
  errno = saved;
}

}  // namespace conc::detail

#endif
