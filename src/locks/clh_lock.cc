// The store of queue nodes, and a clh_lock's end.
//
//   last_->held   holder_        meaning
//   (last_ null)  null           never locked
//   false         (a leftover)   free
//   true          the holder's   held; if it is not last_, others wait
//
// Invariant: each node is in exactly one place: with a thread (task_head::spare_node), in a lock's
// queue, or in the store. A thread that has queued its node has none until its turn comes, and then
// takes over the node before it, which by then only it refers to.
#include "conc/clh_lock.h"

#include "conc/detail/spin_wait.h"
#include "locks/fatal.h"
#include "locks/internal_lock.h"
#include "locks/mutants.h"

namespace conc {
namespace detail {
namespace {

constexpr int nodes_per_chunk = 63;

// Chunks are linked, so that a leak checker sees that nothing is lost.
struct chunk {
  chunk* next;
  clh_node nodes[nodes_per_chunk];
};

struct node_store {
  internal_lock lock;
  clh_node* free = nullptr;
  chunk* chunks = nullptr;
};
constinit node_store store;

}  // namespace

clh_node* take_clh_node() {
  for (;;) {
    {
      internal_lock_guard guard(store.lock);
      if (clh_node* n = store.free; n != nullptr) {
        store.free = n->next_free;
        n->next_free = nullptr;
        return n;
      }
    }
    // Not under the lock: the program's operator new may do anything.
    chunk* fresh = new chunk{};
    internal_lock_guard guard(store.lock);
    fresh->next = store.chunks;
    store.chunks = fresh;
    for (clh_node& n : fresh->nodes) {
      n.next_free = store.free;
      store.free = &n;
    }
  }
}

void give_clh_node(clh_node* n) noexcept {
  internal_lock_guard guard(store.lock);
  n->next_free = store.free;
  store.free = n;
}

}  // namespace detail

void clh_lock::await(const detail::clh_node& before) noexcept {
  // [clh_lock] acquire: pairs with the release in unlock().
  detail::spin_until([&] { return !before.held.load(detail::memory_order_acquire); });
}

void clh_lock::retire() noexcept {
  detail::clh_node* last = last_.load(detail::memory_order_relaxed);
  // Relaxed: whoever may destroy the lock comes after its last holder.
  if (last->held.load(detail::memory_order_relaxed)) {
    detail::fatal("a conc::clh_lock was destroyed while locked", this);
  }
  detail::give_clh_node(last);
}

}  // namespace conc
