// conc::mutex: mutual exclusion between user-level threads and kernel threads alike. Brings its
// relatives of <mutex> along, each from a header of its own: timed_mutex, recursive_mutex,
// recursive_timed_mutex, once_flag and call_once.
#ifndef CONC_MUTEX_H
#define CONC_MUTEX_H

#include <cstdint>
#include <mutex>  // std::unique_lock, std::scoped_lock, std::lock: used with these as they are

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/current.h"
#include "conc/detail/deadline.h"
#include "conc/detail/thread_safety.h"

namespace conc {

class condition_variable;
class hoare_monitor;
class mesa_monitor;
class timed_mutex;
class two_phase_lock;
namespace detail {
template <class Depth>
class recursive_lock;
}

// A mutex as std::mutex: not recursive, BasicLockable and Lockable, usable in std::lock_guard,
// std::unique_lock, std::scoped_lock and std::lock. One word of eight bytes; no allocation, ever.
//
// Blocking: lock() suspends a user-level thread (its processor runs others) and puts a kernel
//   thread to sleep in the kernel, after at most one waiter has spun for the measured cost of
//   blocking. try_lock() and unlock() never block.
// Order: an unlock happens before every later lock of the same mutex.
// Fairness: barging is allowed, for throughput, and bounded: once a waiter is the oldest, at most
//   `max_bypass` others obtain the mutex before it (K = 1000).
// Destruction: legal as soon as nobody holds or waits for it; unlock() does not touch the object
//   after it has let the next owner in, so that owner may unlock and destroy it at once.
// Errors: none are reported by lock(). Locking it twice, unlocking it as somebody else, and
//   destroying it while locked end the process with a message.
// Signals: not async-signal-safe.
//
// Algorithm: word + designated waker after Abseil and nsync, waiting by address after Lampson and
// Redell's queues as rebuilt in WebKit's WTF::Lock; the bypass count is this library's own.
class CONC_API CONC_CAPABILITY("mutex") mutex {
 public:
  // The bound K on bypasses: see above.
  static constexpr std::uint32_t max_bypass = 1000;

  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;
  ~mutex() {
    if (word_.load(detail::memory_order_relaxed) != 0) [[unlikely]]
      destroyed_in_use();
  }

  void lock() noexcept CONC_ACQUIRE() {
    const std::uint64_t mine = owner_bits();
    std::uint64_t seen = 0;
    // [mutex] acquire: pairs with the release in unlock() and in the slow paths of mutex.cc.
    if (!word_.compare_exchange_strong(seen, mine, detail::memory_order_acquire,
                                       detail::memory_order_relaxed)) [[unlikely]] {
      lock_slow(mine);
    }
  }

  // Takes the mutex if it is free, even past waiters (within the bound); never spuriously fails.
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() {
    const std::uint64_t mine = owner_bits();
    std::uint64_t seen = word_.load(detail::memory_order_relaxed);  // no write that must fail
    if (seen != 0) return try_lock_slow(mine);
    // [mutex] acquire: as in lock().
    if (word_.compare_exchange_strong(seen, mine, detail::memory_order_acquire,
                                      detail::memory_order_relaxed)) {
      return true;
    }
    return try_lock_slow(mine);
  }

  void unlock() noexcept CONC_RELEASE() {
    std::uint64_t mine = owner_bits();
    // A compare-and-swap, not a store: it both checks the owner and keeps the waiters' bits.
    // [mutex] release: pairs with the acquire of the next owner.
    if (!word_.compare_exchange_strong(mine, 0, detail::memory_order_release,
                                       detail::memory_order_relaxed)) [[unlikely]] {
      unlock_slow();
    }
  }

 private:
  friend class condition_variable;
  friend class hoare_monitor;
  friend class mesa_monitor;
  friend class timed_mutex;
  friend class two_phase_lock;
  template <class Depth>
  friend class detail::recursive_lock;

  static std::uint64_t owner_bits() noexcept {
    return std::uint64_t{detail::current_head().id} << 32 | 1;
  }

  void lock_slow(std::uint64_t mine) noexcept;
  bool try_lock_slow(std::uint64_t mine) noexcept;
  void lock_without_spinning() noexcept;
  bool lock_until_steady(detail::steady_nanos deadline) noexcept;
  // Whatever others do meanwhile cannot change the answer: only the caller writes its own number.
  bool held_by_me() const noexcept {
    return word_.load(detail::memory_order_relaxed) >> 32 == detail::current_head().id;
  }
  void check_not_mine(std::uint64_t mine) const noexcept;
  void unlock_slow() noexcept;
  [[noreturn]] void destroyed_in_use() noexcept;

  // The state word; its bits and invariants are described in src/locks/mutex_word.h.
  detail::atomic<std::uint64_t> word_{0};
};

}  // namespace conc

#include "conc/once.h"
#include "conc/recursive_mutex.h"
#include "conc/timed_mutex.h"

#endif  // CONC_MUTEX_H
