#include "locks/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "locks/fork.h"

namespace conc::detail {

bool futex_wait(const atomic<std::uint32_t>& word, std::uint32_t expected,
                nanos deadline) noexcept {
  check_not_forked();
  const int saved_errno = errno;
  const timespec until = to_timespec(deadline);
  // WAIT_BITSET rather than WAIT: it takes an absolute time, on CLOCK_MONOTONIC.
  const long r =
      syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected,
              deadline == no_deadline ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
  const bool in_time = !(r == -1 && errno == ETIMEDOUT);
  errno = saved_errno;
  return in_time;
}

int futex_wake(const atomic<std::uint32_t>& word, int count) noexcept {
  const int saved_errno = errno;
  const long woken = syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count);
  errno = saved_errno;
  return static_cast<int>(woken);
}

}  // namespace conc::detail
