// mcs_lock: waiters form a queue and each spins on a word of its own.
#ifndef CONC_MCS_LOCK_H
#define CONC_MCS_LOCK_H

#include <mutex>  // std::lock_guard and its like

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/misuse.h"
#include "conc/detail/thread_safety.h"

namespace conc {

// Whoever has to wait appends a node to the queue and spins on that node alone, which his
// predecessor clears: one cache line goes from one CPU to another at each hand-over, however many
// wait. In the original the caller passes the node and keeps it until it unlocks. Here, in the form
// of the K42 kernel, a node lies on the stack of its waiter and only while he waits: once he has
// the lock, the lock's own node takes its place in the queue. So there is no argument, and a holder
// may go on on another kernel thread.
//
// Space: 24 bytes, and 16 on the stack of each waiter. RMWs: 2 for lock and unlock uncontended;
// about 3 for each hand-over. FIFO: yes; bypasses: K = 0, from the swap that appends the node on.
// With more threads than CPUs: a waiter gives way after a bounded spin; since the lock goes to the
// next in line also if he is not running, each hand-over may then cost a turn of the scheduler.
// Blocking: lock() spins and yields, it never sleeps in the kernel. Not recursive. try_lock() never
// fails spuriously. Destruction while locked ends the process with a message; so does an unlock()
// while nobody holds it. unlock() does not touch the lock after it has let the next one in. Source:
// Mellor-Crummey and Scott, "Algorithms for scalable synchronization on shared-memory
// multiprocessors", 1991; without an argument by Auslander, Edelsohn, Krieger, Rosenburg and
// Wisniewski for K42, as described in Scott, "Shared-Memory Synchronization", 2013, section 4.3.
class CONC_API CONC_CAPABILITY("mutex") mcs_lock {
 public:
  constexpr mcs_lock() noexcept = default;
  mcs_lock(const mcs_lock&) = delete;
  mcs_lock& operator=(const mcs_lock&) = delete;
  ~mcs_lock() {
    if (last_.load(detail::memory_order_relaxed) != nullptr) [[unlikely]]
      detail::misused("a conc::mcs_lock was destroyed while locked", this);
  }

  void lock() noexcept CONC_ACQUIRE() {
    if (!try_lock()) [[unlikely]]
      lock_slow();
  }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() {
    node* nobody = nullptr;
    // [mcs_lock] acquire: pairs with the release in unlock().
    return last_.compare_exchange_strong(nobody, &holder_, detail::memory_order_acquire,
                                         detail::memory_order_relaxed);
  }
  void unlock() noexcept CONC_RELEASE() {
    node* alone = &holder_;
    // [mcs_lock] release: pairs with the acquire in try_lock().
    if (last_.compare_exchange_strong(alone, nullptr, detail::memory_order_release,
                                      detail::memory_order_relaxed)) [[likely]] {
      return;
    }
    hand_over(alone);
  }

 private:
  struct node {
    detail::atomic<node*> next{nullptr};
    detail::atomic<bool> waiting{true};
  };

  void lock_slow() noexcept;
  void hand_over(const node* last) noexcept;
  static node* await_next(node& n) noexcept;

  // The queue; its states are described in src/locks/mcs_lock.cc.
  detail::atomic<node*> last_{nullptr};
  node holder_;
};

}  // namespace conc

#endif  // CONC_MCS_LOCK_H
