// tas_lock: the test-and-set lock, the simplest that works.
#ifndef CONC_TAS_LOCK_H
#define CONC_TAS_LOCK_H

#include <cstdint>
#include <mutex>  // std::lock_guard and its like

#include "conc/detail/atomic.h"
#include "conc/detail/misuse.h"
#include "conc/detail/spin_wait.h"
#include "conc/detail/thread_safety.h"

namespace conc {

// Every attempt is an atomic exchange, so every waiter writes to the lock's cache line: the lock
// from which the others are improvements.
//
// Space: 4 bytes; an exchange of a single byte takes longer on some processors
// (docs/spin-locks.md). RMWs per acquisition: 1 uncontended, unbounded contended. FIFO: no;
// bypasses: not bounded. With more threads than CPUs: a waiter gives way after a bounded spin.
// Blocking: lock() spins and yields, it never sleeps in the kernel. Not recursive. try_lock() never
// fails spuriously. Destruction while locked ends the process with a message; so does, in a checked
// build, an unlock() while nobody holds it.
// Source: Dijkstra's and Knuth's exchange locks; cost analysed in Anderson, "The performance of
// spin lock alternatives for shared-memory multiprocessors", 1990.
class CONC_CAPABILITY("mutex") tas_lock {
 public:
  constexpr tas_lock() noexcept = default;
  tas_lock(const tas_lock&) = delete;
  tas_lock& operator=(const tas_lock&) = delete;
  ~tas_lock() {
    if (held_.load(detail::memory_order_relaxed) != 0) [[unlikely]]
      detail::misused("a conc::tas_lock was destroyed while locked", this);
  }

  void lock() noexcept CONC_ACQUIRE() {
    if (!try_lock()) [[unlikely]]
      detail::spin_until([this] { return try_lock(); });
  }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() {
    // [tas_lock] acquire: pairs with the release in unlock().
    return held_.exchange(1, detail::memory_order_acquire) == 0;
  }
  void unlock() noexcept CONC_RELEASE() {
    if constexpr (detail::checked_build) {
      if (held_.load(detail::memory_order_relaxed) == 0) [[unlikely]]
        detail::misused("a conc::tas_lock was unlocked that nobody holds", this);
    }
    // [tas_lock] release: pairs with the acquire of the next holder.
    held_.store(0, detail::memory_order_release);
  }

 private:
  detail::atomic<std::uint32_t> held_{0};
};

}  // namespace conc

#endif  // CONC_TAS_LOCK_H
