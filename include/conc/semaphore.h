// conc::counting_semaphore and binary_semaphore: permits, whose shortage is visible.
#ifndef CONC_SEMAPHORE_H
#define CONC_SEMAPHORE_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/deadline.h"

namespace conc {
namespace detail {

struct task;

// The part that does not depend on the maximum.
class CONC_API semaphore_base {
 public:
  semaphore_base(const semaphore_base&) = delete;
  semaphore_base& operator=(const semaphore_base&) = delete;

 protected:
  constexpr explicit semaphore_base(std::int64_t initial) noexcept : value_(initial) {}
  ~semaphore_base() {
    if (value_.load(memory_order_relaxed) < 0) [[unlikely]]
      destroyed_in_use();
  }

  void acquire() noexcept {
    // [semaphore] acquire: pairs with the release in release(); for a waiter the parking table
    // carries the order.
    if (value_.fetch_sub(1, memory_order_acquire) <= 0) [[unlikely]]
      wait(never);
  }
  bool try_acquire() noexcept {
    std::int64_t seen = value_.load(memory_order_relaxed);
    // [semaphore] acquire: as in acquire(). A positive value means that nobody waits.
    while (seen > 0) {
      if (value_.compare_exchange_weak(seen, seen - 1, memory_order_acquire,
                                       memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  bool try_acquire_until(steady_nanos deadline) noexcept {
    if (try_acquire()) return true;
    // [semaphore] acquire: as in acquire().
    return value_.fetch_sub(1, memory_order_acquire) > 0 || wait(deadline);
  }
  void release(std::ptrdiff_t n, std::ptrdiff_t max) noexcept {
    // [semaphore] release: pairs with the acquire of whoever gets the permits.
    const std::int64_t before = value_.fetch_add(n, memory_order_release);
    if (before < 0 || n < 0 || before > max - n) [[unlikely]]
      release_slow(before, n, max);
  }
  std::ptrdiff_t value() const noexcept { return value_.load(memory_order_relaxed); }

 private:
  bool wait(steady_nanos deadline) noexcept;
  void release_slow(std::int64_t before, std::int64_t n, std::int64_t max) noexcept;
  static bool leave_on_timeout(task& self, const void* address, bool last) noexcept;
  [[noreturn]] void destroyed_in_use() noexcept;

  // Permits minus committed waiters; the invariants are in src/locks/semaphore.cc.
  atomic<std::int64_t> value_;
  // Grants that belong to committed waiters which have not queued yet. Under the bucket's lock.
  std::int64_t owed_ = 0;
};

}  // namespace detail

// As std::counting_semaphore, for user-level threads and kernel threads at once. 16 bytes.
//
// Blocking: acquire() suspends the caller while there is no permit; release() and try_acquire()
//   never block.
// Fairness: first come, first served, K = 0: a permit that is released while somebody waits is his,
//   and try_acquire() fails as long as anybody waits.
// Time: try_acquire_for/until never give up early. A grant that is on its way when the deadline
//   passes is taken, even if that ends a moment late.
// Destruction: legal when nobody waits; also for the thread that has just been granted a permit,
//   though the releaser is still inside release().
// Errors: exceeding max(), a negative update, and destruction with waiters end the process with a
//   message.
template <std::ptrdiff_t LeastMax = std::numeric_limits<std::ptrdiff_t>::max()>
class counting_semaphore : private detail::semaphore_base {
  static_assert(LeastMax >= 0);

 public:
  // Requires 0 <= permits <= max().
  constexpr explicit counting_semaphore(std::ptrdiff_t permits) noexcept
      : semaphore_base(permits) {}

  static constexpr std::ptrdiff_t max() noexcept { return LeastMax; }

  void acquire() noexcept { semaphore_base::acquire(); }
  [[nodiscard]] bool try_acquire() noexcept { return semaphore_base::try_acquire(); }
  template <class Rep, class Period>
  [[nodiscard]] bool try_acquire_for(const std::chrono::duration<Rep, Period>& time) noexcept {
    return semaphore_base::try_acquire_until(detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_acquire_until(const std::chrono::time_point<Clock, Duration>& t) noexcept {
    for (;;) {
      if (semaphore_base::try_acquire_until(detail::deadline_at(t))) return true;
      if (Clock::now() >= t) return false;  // the clock may have been set back
    }
  }
  void release(std::ptrdiff_t permits = 1) noexcept { semaphore_base::release(permits, max()); }

  // A snapshot. Negative: minus the number of waiters.
  std::ptrdiff_t value() const noexcept { return semaphore_base::value(); }
};

using binary_semaphore = counting_semaphore<1>;

}  // namespace conc

#endif  // CONC_SEMAPHORE_H
