// peterson_lock: mutual exclusion of two threads by loads and stores alone.
#ifndef CONC_PETERSON_LOCK_H
#define CONC_PETERSON_LOCK_H

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/misuse.h"
#include "conc/detail/thread_safety.h"

namespace conc {

// Each of the two says that he wants to enter, and then that the other may go first. If both want
// to, the one who said so last waits. No read-modify-write: the lock for machines that have none,
// and for showing that it can be done.
//
// What it does need is order: a store must be visible before a later load is made, which no
// processor promises by itself. src/locks/peterson_lock.cc says which store and which load. Nor is
// there a way around that: Attiya et al., "Laws of order", 2011, prove that every lock needs a
// store-load fence or a read-modify-write.
//
// Callers say who they are: 0 or 1, each number used by one thread at a time; any other number, a
// lock() by a number that already holds or waits, and an unlock() by one that does not hold end the
// process with a message.
// Space: 3 bytes. RMWs: none. Store-load fences per acquisition: 1. FIFO: yes; bypasses: K = 1, the
// other may have been ahead already. With more threads than CPUs: a waiter gives way after a
// bounded spin. Blocking: lock() spins and yields, it never sleeps in the kernel. There is no
// try_lock(): to say that the other may go first is to wait for him. Destruction while locked ends
// the process, too.
// Source: Peterson, "Myths about the mutual exclusion problem", 1981.
class CONC_API CONC_CAPABILITY("mutex") peterson_lock {
 public:
  constexpr peterson_lock() noexcept = default;
  peterson_lock(const peterson_lock&) = delete;
  peterson_lock& operator=(const peterson_lock&) = delete;
  ~peterson_lock() {
    if (wants_[0].load(detail::memory_order_relaxed) ||
        wants_[1].load(detail::memory_order_relaxed)) [[unlikely]]
      detail::misused("a conc::peterson_lock was destroyed while locked", this);
  }

  void lock(unsigned me) noexcept CONC_ACQUIRE();
  void unlock(unsigned me) noexcept CONC_RELEASE();

 private:
  detail::atomic<bool> wants_[2]{};
  detail::atomic<unsigned char> waits_{0};  // the one who said last that the other may go first
};

}  // namespace conc

#endif  // CONC_PETERSON_LOCK_H
