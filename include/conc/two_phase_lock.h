// two_phase_lock: spin for as long as blocking would cost, then block.
#ifndef CONC_TWO_PHASE_LOCK_H
#define CONC_TWO_PHASE_LOCK_H

#include <chrono>
#include <cstdint>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/mutex.h"

namespace conc {

// C: the CPU time that one block and the wake that ends it cost on this machine, in nanoseconds.
// Measured at the first call (about two milliseconds), then constant for the process.
[[nodiscard]] CONC_API std::chrono::nanoseconds measured_block_cost() noexcept;

// How long a waiter of a two_phase_lock spins before it blocks.
class spin_limit {
 public:
  // `factor` times the measured C. With 1 the wait costs at most twice the best possible.
  static spin_limit of_cost(double factor = 1.0) noexcept { return spin_limit(factor, -1); }
  static spin_limit none() noexcept { return spin_limit(0, 0); }
  // Never blocks; gives way to other threads once in a while.
  static spin_limit always() noexcept {
    return spin_limit(0, std::chrono::nanoseconds::max().count());
  }
  static spin_limit time(std::chrono::nanoseconds t) noexcept { return spin_limit(0, t.count()); }

 private:
  friend class two_phase_lock;
  spin_limit(double factor, std::int64_t fixed) noexcept : factor_(factor), fixed_(fixed) {}

  double factor_;
  std::int64_t fixed_;  // nanoseconds; negative: factor_ * C
};

// Two-phase waiting as the textbooks have it: every waiter for itself spins up to a limit and then
// blocks; the limit can be set, so that never spinning, C, 8 C and always spinning can be compared
// under one and the same lock. conc::mutex is the lock for programs; this one is for measuring.
//
// Blocking: lock() spins for the limit and then suspends the caller. With one usable CPU the limit
//   counts as none(), except always(), which gives way instead.
// Space: 24 bytes. FIFO: no; bypasses: K = max_bypass (1000), counted once the waiter blocks.
// Destruction, errors and order: as conc::mutex.
// Source: Ousterhout, "Scheduling techniques for concurrent systems", 1982; the limit after Karlin,
// Li, Manasse and Owicki, "Empirical studies of competitive spinning", 1991.
class CONC_API CONC_CAPABILITY("mutex") two_phase_lock {
 public:
  // The bound K on bypasses: see above.
  static constexpr std::uint32_t max_bypass = mutex::max_bypass;

  // The constructor measures C if the limit refers to it and nothing has measured it before.
  explicit two_phase_lock(spin_limit limit = spin_limit::of_cost()) noexcept;
  two_phase_lock(const two_phase_lock&) = delete;
  two_phase_lock& operator=(const two_phase_lock&) = delete;
  ~two_phase_lock();

  void lock() noexcept CONC_ACQUIRE();
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() { return inner_.try_lock(); }
  void unlock() noexcept CONC_RELEASE() { inner_.unlock(); }

  // The limit in force, in nanoseconds.
  std::chrono::nanoseconds limit() const noexcept { return std::chrono::nanoseconds(limit_); }

 private:
  bool spin() noexcept;

  mutex inner_;
  std::int64_t limit_;
};

}  // namespace conc

#endif  // CONC_TWO_PHASE_LOCK_H
