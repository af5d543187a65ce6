// ticket_lock: take a number, wait until it is called.
#ifndef CONC_TICKET_LOCK_H
#define CONC_TICKET_LOCK_H

#include <cstdint>

#include "conc/detail/atomic.h"
#include "conc/detail/spin_wait.h"

namespace conc {

// First come, first served, by one fetch-and-add. The price of the order: if the next in line is
// not running, everybody waits for it, which is why it gives way at once when it is not its turn
// for long, and why this lock falls behind when threads outnumber CPUs.
//
// Space: 8 bytes. RMWs per acquisition: 1. FIFO: yes; bypasses: K = 0. The counters may wrap: 2^32
// threads would have to wait at once before that mattered.
// Blocking: lock() spins and yields, it never sleeps in the kernel. Not recursive. try_lock() may
// fail when it races with another attempt. Destruction while locked is undefined.
// Source: Reed and Kanodia, "Synchronization with eventcounts and sequencers", 1979; as a spin lock
// in Mellor-Crummey and Scott, 1991.
class ticket_lock {
 public:
  constexpr ticket_lock() noexcept = default;
  ticket_lock(const ticket_lock&) = delete;
  ticket_lock& operator=(const ticket_lock&) = delete;

  void lock() noexcept {
    // Relaxed: the ticket orders the waiters; the data is ordered by the number that is called.
    const std::uint32_t mine = next_ticket_.fetch_add(1, detail::memory_order_relaxed);
    detail::spin_wait wait;
    // [ticket_lock] acquire: pairs with the release in unlock().
    while (now_serving_.load(detail::memory_order_acquire) != mine) wait.once();
  }
  [[nodiscard]] bool try_lock() noexcept {
    // [ticket_lock] acquire: pairs with the release in unlock().
    std::uint32_t serving = now_serving_.load(detail::memory_order_acquire);
    return next_ticket_.compare_exchange_strong(serving, serving + 1, detail::memory_order_relaxed);
  }
  void unlock() noexcept {
    // Only the holder writes this counter, so no atomic addition is needed.
    // [ticket_lock] release: pairs with the acquire of the next in line.
    now_serving_.store(now_serving_.load(detail::memory_order_relaxed) + 1,
                       detail::memory_order_release);
  }

 private:
  detail::atomic<std::uint32_t> next_ticket_{0};
  detail::atomic<std::uint32_t> now_serving_{0};
};

}  // namespace conc

#endif  // CONC_TICKET_LOCK_H
