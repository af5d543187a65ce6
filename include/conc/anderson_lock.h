// anderson_lock: a ticket lock whose waiters spin on a cache line each.
#ifndef CONC_ANDERSON_LOCK_H
#define CONC_ANDERSON_LOCK_H

#include <bit>
#include <cstdint>
#include <limits>
#include <mutex>  // std::lock_guard and its like

#include "conc/detail/atomic.h"
#include "conc/detail/misuse.h"
#include "conc/detail/spin_wait.h"
#include "conc/detail/thread_safety.h"

namespace conc {

// A fetch-and-add hands out places in a circular array; who unlocks calls the next place. Each
// place has its own cache line, so that a call disturbs only the one who is called.
//
// In the original a place holds a flag, and the array must have room for everybody who may wait.
// Here it holds the number that was called last at that place, and numbers of different rounds
// differ: if more threads wait than there are places, several share one, which costs them some
// traffic and no correctness. `Slots` is best the number of CPUs or more; a power of two.
//
// Space: 64 bytes a place and 128. RMWs per acquisition: 1. FIFO: yes; bypasses: K = 0. The counter
// wraps; fewer threads than it has values may wait at once.
// With more threads than CPUs: a waiter gives way after a bounded spin; since the lock goes to the
// next in line also if he is not running, each hand-over may then cost a turn of the scheduler.
// Blocking: lock() spins and yields, it never sleeps in the kernel. Not recursive. try_lock() may
// fail when it races with another attempt. Destruction while locked ends the process with a
// message; so does, in a checked build, an unlock() while nobody holds it.
// Source: Anderson, "The performance of spin lock alternatives for shared-memory multiprocessors",
// 1990; numbers in place of flags after Dice, "Brief announcement: a partitioned ticket lock",
// 2011.
template <unsigned Slots, class Counter = std::uint32_t>
class CONC_CAPABILITY("mutex") basic_anderson_lock {
  static_assert(std::has_single_bit(Slots) && Slots <= std::numeric_limits<Counter>::max(),
                "the slots must divide the counter's range");

 public:
  constexpr basic_anderson_lock() noexcept = default;
  basic_anderson_lock(const basic_anderson_lock&) = delete;
  basic_anderson_lock& operator=(const basic_anderson_lock&) = delete;
  ~basic_anderson_lock() {
    if (!is_free()) [[unlikely]]
      detail::misused("a conc::anderson_lock was destroyed while locked", this);
  }

  void lock() noexcept CONC_ACQUIRE() {
    // Relaxed: the number orders the waiters; the data is ordered by the call.
    const Counter mine = next_.fetch_add(1, detail::memory_order_relaxed);
    if (!is_called(mine)) [[unlikely]]
      detail::spin_until([this, mine] { return is_called(mine); });
    holder_ = mine;
  }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() {
    Counter mine = next_.load(detail::memory_order_relaxed);
    if (!is_called(mine)) return false;
    // If nobody has taken that number meanwhile, then nobody holds the lock.
    if (!next_.compare_exchange_strong(mine, static_cast<Counter>(mine + 1),
                                       detail::memory_order_relaxed)) {
      return false;
    }
    holder_ = mine;
    return true;
  }
  void unlock() noexcept CONC_RELEASE() {
    if constexpr (detail::checked_build) {
      if (is_free()) [[unlikely]]
        detail::misused("a conc::anderson_lock was unlocked that nobody holds", this);
    }
    const auto next = static_cast<Counter>(holder_ + 1);
    // [anderson_lock] release: pairs with the acquire of the next in line.
    slots_[next % Slots].called.store(next, detail::memory_order_release);
  }

 private:
  // Zero to begin with: the number 0 is called, and no other number with place 0 is; the numbers of
  // the other places are never zero.
  struct alignas(64) slot {
    detail::atomic<Counter> called{0};
  };
  // The next to come would not have to wait. For the holder, or while there is none.
  bool is_free() const noexcept { return is_called(next_.load(detail::memory_order_relaxed)); }
  bool is_called(Counter number) const noexcept {
    // [anderson_lock] acquire: pairs with the release in unlock().
    return slots_[number % Slots].called.load(detail::memory_order_acquire) == number;
  }

  alignas(64) detail::atomic<Counter> next_{0};
  alignas(64) Counter holder_ = 0;  // the holder's number; guarded by the lock itself
  slot slots_[Slots];
};

using anderson_lock = basic_anderson_lock<16>;

}  // namespace conc

#endif  // CONC_ANDERSON_LOCK_H
