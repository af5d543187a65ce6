// ttas_lock: test, and only then test-and-set.
#ifndef CONC_TTAS_LOCK_H
#define CONC_TTAS_LOCK_H

#include <cstdint>
#include <mutex>  // std::lock_guard and its like

#include "conc/detail/atomic.h"
#include "conc/detail/misuse.h"
#include "conc/detail/spin_wait.h"
#include "conc/detail/thread_safety.h"

namespace conc {

// Waiters look at the lock with plain loads, from their own caches, and write only when it seems
// free; the growing pauses keep them from all writing at once when it is freed.
//
// Space: 4 bytes, as tas_lock. RMWs per acquisition: 1 uncontended; contended, about one per waiter
// and release. FIFO: no; bypasses: not bounded. With more threads than CPUs: a waiter gives way
// after a bounded spin. Blocking: lock() spins and yields, it never sleeps in the kernel. Not
// recursive. try_lock() never fails spuriously. Destruction while locked ends the process with a
// message; so does, in a checked build, an unlock() while nobody holds it. Source: Rudolph and
// Segall, "Dynamic decentralized cache schemes for MIMD parallel processors", 1984; back-off after
// Anderson, 1990.
class CONC_CAPABILITY("mutex") ttas_lock {
 public:
  constexpr ttas_lock() noexcept = default;
  ttas_lock(const ttas_lock&) = delete;
  ttas_lock& operator=(const ttas_lock&) = delete;
  ~ttas_lock() {
    if (held_.load(detail::memory_order_relaxed) != 0) [[unlikely]]
      detail::misused("a conc::ttas_lock was destroyed while locked", this);
  }

  void lock() noexcept CONC_ACQUIRE() {
    if (!take()) [[unlikely]]
      detail::spin_until([this] { return try_lock(); });
  }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() {
    return held_.load(detail::memory_order_relaxed) == 0 && take();
  }
  void unlock() noexcept CONC_RELEASE() {
    if constexpr (detail::checked_build) {
      if (held_.load(detail::memory_order_relaxed) == 0) [[unlikely]]
        detail::misused("a conc::ttas_lock was unlocked that nobody holds", this);
    }
    // [ttas_lock] release: pairs with the acquire of the next holder.
    held_.store(0, detail::memory_order_release);
  }

 private:
  bool take() noexcept {
    // [ttas_lock] acquire: pairs with the release in unlock().
    return held_.exchange(1, detail::memory_order_acquire) == 0;
  }

  detail::atomic<std::uint32_t> held_{0};
};

}  // namespace conc

#endif  // CONC_TTAS_LOCK_H
