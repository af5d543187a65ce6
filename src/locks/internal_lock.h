// The lock that guards the library's own short lists: one byte-sized word, a plain store to unlock.
//
// Users never see it and no task suspends while holding it, with one deliberate exception: a
// user-level thread that parks keeps its bucket locked until its registers are saved, a few
// nanoseconds later (parking_table.h). A holder can be preempted by the kernel, so waiting is never
// FIFO and never endless spinning: a short spin, then the CPU is given away.
#ifndef CONC_LOCKS_INTERNAL_LOCK_H
#define CONC_LOCKS_INTERNAL_LOCK_H

#include "conc/detail/atomic.h"

namespace conc::detail {

class internal_lock {
 public:
  constexpr internal_lock() noexcept = default;

  void lock() noexcept {
    // [internal_lock] acquire: pairs with the release in unlock().
    if (held_.exchange(true, memory_order_acquire)) [[unlikely]]
      lock_slow();
  }
  bool try_lock() noexcept {
    // [internal_lock] acquire: as in lock().
    return !held_.load(memory_order_relaxed) && !held_.exchange(true, memory_order_acquire);
  }
  void unlock() noexcept {
    // [internal_lock] release: pairs with the acquire of the next holder.
    held_.store(false, memory_order_release);
  }

 private:
  [[gnu::cold, gnu::noinline]] void lock_slow() noexcept;

  atomic<bool> held_{false};
};

class internal_lock_guard {
 public:
  explicit internal_lock_guard(internal_lock& l) noexcept : lock_(l) { lock_.lock(); }
  ~internal_lock_guard() { lock_.unlock(); }
  internal_lock_guard(const internal_lock_guard&) = delete;
  internal_lock_guard& operator=(const internal_lock_guard&) = delete;

 private:
  internal_lock& lock_;
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_INTERNAL_LOCK_H
