// clh_lock: waiters form a queue and each spins on the word of the one before.
#ifndef CONC_CLH_LOCK_H
#define CONC_CLH_LOCK_H

#include <mutex>  // std::lock_guard and its like

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/current.h"
#include "conc/detail/misuse.h"
#include "conc/detail/thread_safety.h"

namespace conc {
namespace detail {

// A place in a queue, alone on its cache line. Nodes go from thread to lock to thread; they are
// never given back to the system, so that a late reader finds a node at worst.
struct alignas(64) clh_node {
  atomic<bool> held{false};  // the one who brought this node holds the lock or waits for it
  clh_node* next_free = nullptr;
};

// A node from the library's store. Throws std::bad_alloc if there is no memory for more.
CONC_API clh_node* take_clh_node();
CONC_API void give_clh_node(clh_node* n) noexcept;

}  // namespace detail

// The queue is implicit: who comes leaves his node as the last one and spins on the node that was
// the last before. An uncontended pair of lock and unlock is one exchange and a plain store, which
// no other queue lock reaches.
//
// The one before is done with his node once he has unlocked, so whoever has waited for it keeps it
// and leaves his own. A thread, user-level or kernel, thus needs one node at a time, however many
// locks it holds; the library keeps it with the thread's control block, which follows the thread
// from one kernel thread to another. The node of the holder is noted in the lock.
//
// Space: 16 bytes, a node of 64 for each lock that was used, and one for each thread that has used
// such locks. RMWs per acquisition: 1. FIFO: yes; bypasses: K = 0. There is no try_lock(): a node
// that was seen to be free may have gone round and be somebody's again by the time one queues
// behind it, and then one has to wait.
// With more threads than CPUs: a waiter gives way after a bounded spin; since the lock goes to the
// next in line also if he is not running, each hand-over may then cost a turn of the scheduler.
// Blocking: lock() spins and yields, it never sleeps in the kernel. Not recursive. The first lock()
// of a thread and the first of a lock take memory: std::bad_alloc, and then the lock is not held.
// Destruction while locked ends the process with a message; so does unlock() of a lock that was
// never locked and, in a checked build, of any that nobody holds. unlock() does not touch the lock
// after it has let the next one in. Source: Craig, "Building FIFO and priority-queueing spin locks
// from atomic swap", 1993; Magnusson, Landin and Hagersten, "Queue locks on cache coherent
// multiprocessors", 1994; with the node in the lock as in Scott, "Shared-Memory Synchronization",
// 2013, section 4.3.
class CONC_API CONC_CAPABILITY("mutex") clh_lock {
 public:
  constexpr clh_lock() noexcept = default;
  clh_lock(const clh_lock&) = delete;
  clh_lock& operator=(const clh_lock&) = delete;
  ~clh_lock() {
    if (last_.load(detail::memory_order_relaxed) != nullptr) retire();
  }

  void lock() CONC_ACQUIRE() {
    detail::task_head& me = detail::current_head();
    detail::clh_node* mine = me.spare_node;
    if (mine == nullptr) [[unlikely]]
      mine = detail::take_clh_node();
    // Relaxed: the exchange publishes it.
    mine->held.store(true, detail::memory_order_relaxed);
    // [clh_lock] acquire and release: the next one finds in our node what we have stored, and
    // we in the node of the one before what he has.
    detail::clh_node* before = last_.exchange(mine, detail::memory_order_acq_rel);
    // The lock's very first holder has nobody before him, and will need another node.
    // [clh_lock] acquire: pairs with the release in unlock().
    if (before != nullptr && before->held.load(detail::memory_order_acquire)) [[unlikely]]
      await(*before);
    me.spare_node = before;
    holder_ = mine;
  }
  void unlock() noexcept CONC_RELEASE() {
    if (holder_ == nullptr ||
        (detail::checked_build && !holder_->held.load(detail::memory_order_relaxed))) [[unlikely]] {
      detail::misused("a conc::clh_lock was unlocked that nobody holds", this);
    }
    // [clh_lock] release: pairs with the acquire of the next in line. The last access: to the node.
    holder_->held.store(false, detail::memory_order_release);
  }

 private:
  static void await(const detail::clh_node& before) noexcept;
  void retire() noexcept;

  detail::atomic<detail::clh_node*> last_{nullptr};  // null until the first lock()
  detail::clh_node* holder_ = nullptr;               // the holder's; guarded by the lock itself
};

}  // namespace conc

#endif  // CONC_CLH_LOCK_H
