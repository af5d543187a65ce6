// conc::latch: wait until something has happened a given number of times. Single use.
#ifndef CONC_LATCH_H
#define CONC_LATCH_H

#include <cstddef>
#include <cstdint>
#include <limits>

#include "conc/config.h"
#include "conc/detail/atomic.h"

namespace conc {

// As std::latch, for user-level threads and kernel threads at once. Eight bytes.
//
// Blocking: wait() and arrive_and_wait() suspend the caller until the count is zero; count_down()
//   never blocks.
// Order: every count_down() happens before the return of every wait().
// Destruction: legal as soon as every waiter has been released, also by a waiter that has just
//   returned; the count_down() that released it does not touch the object any more.
// Errors: an expected count out of range, counting below zero or by less than nothing, and
//   destruction with waiters end the process with a message.
class CONC_API latch {
 public:
  // Requires 0 <= expected <= max().
  constexpr explicit latch(std::ptrdiff_t expected) noexcept : word_(expected * 2) {
    if (expected < 0 || expected > max()) [[unlikely]]
      begun_out_of_range();
  }
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;
  ~latch() {
    const std::int64_t w = word_.load(detail::memory_order_relaxed);
    if ((w & has_waiters) != 0 && w > has_waiters) [[unlikely]]
      destroyed_in_use();
  }

  static constexpr std::ptrdiff_t max() noexcept {
    return std::numeric_limits<std::ptrdiff_t>::max() / 2;
  }

  void count_down(std::ptrdiff_t n = 1) noexcept {
    // [latch] release: pairs with the acquire in try_wait(). acquire: pairs with the releases of
    // the earlier count_downs, which the last one passes on to the waiters it wakes.
    const std::int64_t before = word_.fetch_sub(n * 2, detail::memory_order_acq_rel);
    const std::int64_t after = before - n * 2;
    if ((after <= has_waiters && after != 0) || n < 0) [[unlikely]]
      count_down_slow(n, after);
  }
  [[nodiscard]] bool try_wait() const noexcept {
    // [latch] acquire: pairs with the release in count_down().
    return word_.load(detail::memory_order_acquire) <= has_waiters;
  }
  void wait() const noexcept {
    if (!try_wait()) wait_slow();
  }
  void arrive_and_wait(std::ptrdiff_t n = 1) noexcept {
    count_down(n);
    wait();
  }

 private:
  // word_ = 2 * count + (1 if somebody is queued in the parking table). The low bit is set under
  // the bucket's lock, while the count is not zero, and never cleared.
  static constexpr std::int64_t has_waiters = 1;

  void wait_slow() const noexcept;
  void count_down_slow(std::int64_t n, std::int64_t after) noexcept;
  [[noreturn]] void begun_out_of_range() const noexcept;
  [[noreturn]] void destroyed_in_use() noexcept;

  mutable detail::atomic<std::int64_t> word_;
};

}  // namespace conc

#endif  // CONC_LATCH_H
