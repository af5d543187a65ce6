// cas_lock: a compare-and-swap lock that knows its holder.
#ifndef CONC_CAS_LOCK_H
#define CONC_CAS_LOCK_H

#include <cstdint>
#include <mutex>  // std::lock_guard and its like

#include "conc/detail/atomic.h"
#include "conc/detail/current.h"
#include "conc/detail/misuse.h"
#include "conc/detail/spin_wait.h"
#include "conc/detail/thread_safety.h"

namespace conc {

// What compare-and-swap adds over test-and-set: the word can say who holds the lock, because a
// failed attempt does not overwrite it.
//
// Space: 4 bytes. RMWs per acquisition: 1 uncontended; contended, one per look that found the lock
// free. FIFO: no; bypasses: not bounded. With more threads than CPUs: a waiter gives way after a
// bounded spin.
// Blocking: lock() spins and yields, it never sleeps in the kernel. Not recursive. try_lock() never
// fails spuriously. Destruction while locked ends the process with a message; so do a lock() by the
// holder and, in a checked build, an unlock() by anybody else.
// Source: Herlihy and Shavit, "The Art of Multiprocessor Programming", chapter 7.
class CONC_CAPABILITY("mutex") cas_lock {
 public:
  constexpr cas_lock() noexcept = default;
  cas_lock(const cas_lock&) = delete;
  cas_lock& operator=(const cas_lock&) = delete;
  ~cas_lock() {
    if (holder_.load(detail::memory_order_relaxed) != nobody) [[unlikely]]
      detail::misused("a conc::cas_lock was destroyed while locked", this,
                      holder_.load(detail::memory_order_relaxed));
  }

  void lock() noexcept CONC_ACQUIRE() {
    const std::uint32_t me = detail::current_head().id;
    if (!attempt(me)) [[unlikely]] {
      if (holder_.load(detail::memory_order_relaxed) == me)
        detail::misused("a thread locked a conc::cas_lock that it already holds", this);
      detail::spin_until([this, me] {
        return holder_.load(detail::memory_order_relaxed) == nobody && attempt(me);
      });
    }
  }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() {
    return attempt(detail::current_head().id);
  }
  void unlock() noexcept CONC_RELEASE() {
    if constexpr (detail::checked_build) {
      if (!held_by_me()) [[unlikely]]
        refuse_unlock();
    }
    // [cas_lock] release: pairs with the acquire in attempt().
    holder_.store(nobody, detail::memory_order_release);
  }
  // Whether the calling thread holds the lock; what any other thread does meanwhile cannot change
  // the answer.
  [[nodiscard]] bool held_by_me() const noexcept {
    return holder_.load(detail::memory_order_relaxed) == detail::current_head().id;
  }

 private:
  static constexpr std::uint32_t nobody = 0;

  [[noreturn, gnu::cold, gnu::noinline]] void refuse_unlock() const noexcept {
    const std::uint32_t holder = holder_.load(detail::memory_order_relaxed);
    if (holder == nobody) detail::misused("a conc::cas_lock was unlocked that nobody holds", this);
    detail::misused("a conc::cas_lock was unlocked by a thread that does not hold it", this,
                    holder);
  }

  bool attempt(std::uint32_t me) noexcept {
    std::uint32_t expected = nobody;
    // [cas_lock] acquire: pairs with the release in unlock().
    return holder_.compare_exchange_strong(expected, me, detail::memory_order_acquire,
                                           detail::memory_order_relaxed);
  }

  detail::atomic<std::uint32_t> holder_{nobody};
};

}  // namespace conc

#endif  // CONC_CAS_LOCK_H
