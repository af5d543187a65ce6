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
#include "conc/detail/timed_lock.h"

namespace conc {
namespace detail {

enum class wait_kind : std::uint8_t;

// The part that does not depend on the maximum.
class CONC_API semaphore_base {
 public:
  semaphore_base(const semaphore_base&) = delete;
  semaphore_base& operator=(const semaphore_base&) = delete;

 protected:
  constexpr semaphore_base(std::int64_t initial, std::int64_t max) noexcept : value_(initial) {
    if (initial < 0 || initial > max) [[unlikely]]
      begun_out_of_range();
  }
  ~semaphore_base() {
    if (value_.load(memory_order_relaxed) < 0) [[unlikely]]
      destroyed_in_use();
  }

  void acquire() noexcept {
    if (!try_acquire()) [[unlikely]]
      wait();
  }
  bool try_acquire() noexcept {
    std::int64_t seen = value_.load(memory_order_relaxed);
    // [semaphore] acquire: pairs with the release in release(). A positive value means that nobody
    // waits.
    while (seen > 0) {
      if (value_.compare_exchange_weak(seen, seen - 1, memory_order_acquire,
                                       memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  bool try_acquire_until(steady_nanos deadline) noexcept {
    return try_acquire() || wait_until(deadline);
  }
  void release(std::ptrdiff_t n, std::ptrdiff_t max) noexcept {
    std::int64_t seen = value_.load(memory_order_relaxed);
    while (seen >= 0 && n >= 0 && seen <= max - n) [[likely]] {
        // [semaphore] release: pairs with the acquire of whoever gets the permits.
        if (value_.compare_exchange_weak(seen, seen + n, memory_order_release,
                                         memory_order_relaxed)) {
          return;
        }
      }
    release_slow(n, max);
  }
  std::ptrdiff_t value() const noexcept { return value_.load(memory_order_relaxed); }
  // As try_acquire_until(), for what is made of a semaphore and wants to be shown as what it is.
  bool wait_as(wait_kind kind, steady_nanos deadline) noexcept;

 private:
  void wait() noexcept;
  bool wait_until(steady_nanos deadline) noexcept;
  void release_slow(std::int64_t n, std::int64_t max) noexcept;
  [[noreturn]] void begun_out_of_range() const noexcept;
  [[noreturn]] void destroyed_in_use() noexcept;

  // Permits, or minus the number of waiters; the invariants are in src/locks/semaphore.cc.
  atomic<std::int64_t> value_;
};

}  // namespace detail

// As std::counting_semaphore, for user-level threads and kernel threads at once. Eight bytes.
//
// Blocking: acquire() suspends the caller while there is no permit; release() and try_acquire()
//   never block.
// Fairness: first come, first served, K = 0: a permit that is released while somebody waits is his,
//   and try_acquire() fails as long as anybody waits.
// Time: try_acquire_for/until never give up early. A grant that is on its way when the deadline
//   passes is taken, even if that ends a moment late.
// Destruction: legal when nobody waits; also for the thread that has just been granted a permit,
//   though the releaser is still inside release().
// Errors: beginning with less than none or more than max(), exceeding max(), a negative update, and
//   destruction with waiters end the process with a message.
template <std::ptrdiff_t LeastMax = std::numeric_limits<std::ptrdiff_t>::max()>
class counting_semaphore : private detail::semaphore_base {
  static_assert(LeastMax >= 0);

 public:
  // Requires 0 <= permits <= max().
  constexpr explicit counting_semaphore(std::ptrdiff_t permits) noexcept
      : semaphore_base(permits, max()) {}

  static constexpr std::ptrdiff_t max() noexcept { return LeastMax; }

  void acquire() noexcept { semaphore_base::acquire(); }
  [[nodiscard]] bool try_acquire() noexcept { return semaphore_base::try_acquire(); }
  template <class Rep, class Period>
  [[nodiscard]] bool try_acquire_for(const std::chrono::duration<Rep, Period>& time) noexcept {
    return semaphore_base::try_acquire_until(detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_acquire_until(const std::chrono::time_point<Clock, Duration>& t) noexcept {
    return detail::retry_until(t, [this](detail::steady_nanos deadline) {
      return semaphore_base::try_acquire_until(deadline);
    });
  }
  void release(std::ptrdiff_t permits = 1) noexcept { semaphore_base::release(permits, max()); }

  // A snapshot. Negative: minus the number of waiters.
  std::ptrdiff_t value() const noexcept { return semaphore_base::value(); }
};

using binary_semaphore = counting_semaphore<1>;

}  // namespace conc

#endif  // CONC_SEMAPHORE_H
