// ticket_lock: take a number, wait until it is called.
#ifndef CONC_TICKET_LOCK_H
#define CONC_TICKET_LOCK_H

#include <cstdint>
#include <mutex>  // std::lock_guard and its like

#include "conc/detail/atomic.h"
#include "conc/detail/misuse.h"
#include "conc/detail/spin_wait.h"
#include "conc/detail/thread_safety.h"

namespace conc {

// First come, first served, by one fetch-and-add. The price of the order: if the next in line is
// not running, everybody waits for it, which is why it gives way at once when it is not its turn
// for long, and why this lock falls behind when threads outnumber CPUs.
//
// Space: 8 bytes. RMWs per acquisition: 1. FIFO: yes; bypasses: K = 0. The counters wrap; fewer
// threads than they have values, 2^32, may wait at once.
// Blocking: lock() spins and yields, it never sleeps in the kernel. Not recursive. try_lock() may
// fail when it races with another attempt. Destruction while locked ends the process with a
// message; so does, in a checked build, an unlock() while nobody holds it.
// Source: Reed and Kanodia, "Synchronization with eventcounts and sequencers", 1979; as a spin lock
// in Mellor-Crummey and Scott, 1991.
template <class Counter>
class CONC_CAPABILITY("mutex") basic_ticket_lock {
 public:
  constexpr basic_ticket_lock() noexcept = default;
  basic_ticket_lock(const basic_ticket_lock&) = delete;
  basic_ticket_lock& operator=(const basic_ticket_lock&) = delete;
  ~basic_ticket_lock() {
    if (!is_free()) [[unlikely]]
      detail::misused("a conc::ticket_lock was destroyed while locked", this);
  }

  void lock() noexcept CONC_ACQUIRE() {
    // Relaxed: the ticket orders the waiters; the data is ordered by the number that is called.
    const Counter mine = next_ticket_.fetch_add(1, detail::memory_order_relaxed);
    if (!is_called(mine)) [[unlikely]]
      detail::spin_until([this, mine] { return is_called(mine); });
  }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() {
    // [ticket_lock] acquire: pairs with the release in unlock().
    Counter serving = now_serving_.load(detail::memory_order_acquire);
    return next_ticket_.compare_exchange_strong(serving, static_cast<Counter>(serving + 1),
                                                detail::memory_order_relaxed);
  }
  void unlock() noexcept CONC_RELEASE() {
    if constexpr (detail::checked_build) {
      if (is_free()) [[unlikely]]
        detail::misused("a conc::ticket_lock was unlocked that nobody holds", this);
    }
    // Only the holder writes this counter, so no atomic addition is needed.
    // [ticket_lock] release: pairs with the acquire of the next in line.
    now_serving_.store(static_cast<Counter>(now_serving_.load(detail::memory_order_relaxed) + 1),
                       detail::memory_order_release);
  }

 private:
  // For the holder, or while there is none: whoever comes meanwhile does not change what they see.
  bool is_free() const noexcept {
    return next_ticket_.load(detail::memory_order_relaxed) ==
           now_serving_.load(detail::memory_order_relaxed);
  }
  bool is_called(Counter number) const noexcept {
    // [ticket_lock] acquire: pairs with the release in unlock().
    return now_serving_.load(detail::memory_order_acquire) == number;
  }

  detail::atomic<Counter> next_ticket_{0};
  detail::atomic<Counter> now_serving_{0};
};

using ticket_lock = basic_ticket_lock<std::uint32_t>;

}  // namespace conc

#endif  // CONC_TICKET_LOCK_H
