// The lock that guards the library's own short lists: one word, a plain store to unlock. (Not one
// byte: an exchange of a byte takes 2 ns longer on some processors; docs/spin-locks.md.)
//
// Users never see it and no task suspends while holding it, with one deliberate exception: a
// user-level thread that waits keeps the lock of its queue until its registers are saved, a few
// nanoseconds later (src/locks/parking_table.h). (A carrier that sleeps in its I/O engine holds the
// engine's; others only try that one.) A holder can be preempted by the kernel, so waiting is never
// FIFO and never endless spinning: a short spin, then the CPU is given away.
#ifndef CONC_DETAIL_INTERNAL_LOCK_H
#define CONC_DETAIL_INTERNAL_LOCK_H

#include <cstdint>

#include "conc/config.h"
#include "conc/detail/atomic.h"

namespace conc::detail {

class internal_lock {
 public:
  constexpr internal_lock() noexcept = default;

  void lock() noexcept {
    // [internal_lock] acquire: pairs with the release in unlock().
    if (held_.exchange(1, memory_order_acquire) != 0) [[unlikely]]
      lock_slow();
  }
  bool try_lock() noexcept {
    // [internal_lock] acquire: as in lock().
    return held_.load(memory_order_relaxed) == 0 && held_.exchange(1, memory_order_acquire) == 0;
  }
  void unlock() noexcept {
    // [internal_lock] release: pairs with the acquire of the next holder.
    held_.store(0, memory_order_release);
  }

 private:
  [[gnu::cold, gnu::noinline]] CONC_API void lock_slow() noexcept;

  atomic<std::uint32_t> held_{0};
};

}  // namespace conc::detail

#endif  // CONC_DETAIL_INTERNAL_LOCK_H
