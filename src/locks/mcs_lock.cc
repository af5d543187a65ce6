// The queue of an mcs_lock.
//
//   last_          holder_.next   meaning
//   null           null           free
//   &holder_       null           held, nobody waits
//   waiter's node  first waiter   held; the waiters are linked by `next`, last_ is the youngest
//   waiter's node  null           the same, but the first waiter has not linked himself in yet
//
// A waiter becomes the youngest by one compare-and-swap of last_ and then links himself behind the
// one who was it before; whoever needs that link meanwhile waits for it, and gives way if it takes
// long. The holder's node is the lock's own: a waiter whose turn has come takes his node out of the
// queue before lock() returns, so that nothing refers to his stack any more.
//
// Invariants: last_ is null if and only if the lock is free. holder_.next is null whenever last_ is
// null or &holder_, and it is written by the holder and by the first waiter only: never by both at
// once, because the first waiter writes it after he has replaced &holder_ in last_, which the
// holder has put there after his own write.
#include "conc/mcs_lock.h"

#include "conc/detail/spin_wait.h"
#include "locks/mutants.h"

namespace conc {

using namespace detail;

// The one behind `n`, of whom it is known that he has taken his place.
mcs_lock::node* mcs_lock::await_next(node& n) noexcept {
  spin_wait wait;
  for (;;) {
    // [mcs_lock.next] acquire: pairs with the release in lock_slow().
    if (node* next = n.next.load(memory_order_acquire); next != nullptr) return next;
    wait.once();
  }
}

// `last`: what unlock() has seen in last_ instead of the lock's own node.
void mcs_lock::hand_over(const node* last) noexcept {
  // Nobody will ever link himself in behind a holder that there is not.
  if (last == nullptr) misused("a conc::mcs_lock was unlocked that nobody holds", this);
  node* next = await_next(holder_);
  // [mcs_lock] release: pairs with the acquire in lock_slow(). The last access: to the waiter.
  next->waiting.store(false, memory_order_release);
}

void mcs_lock::lock_slow() noexcept {
  node mine;
  node* before = last_.load(memory_order_relaxed);
  for (;;) {
    if (before == nullptr) {
      if (try_lock()) return;
      before = last_.load(memory_order_relaxed);
      continue;
    }
    // [mcs_lock.last] acquire and release: what `before` points to is a node whose first state is
    // visible to us, and so is ours to the next one.
    if (last_.compare_exchange_weak(before, &mine, memory_order_acq_rel, memory_order_relaxed)) {
      break;
    }
  }
  CONC_GAP(mcs_wait_for_the_link);  // longer than the one before us needs to look
  CONC_GAP(mcs_wait_for_the_link);
  // [mcs_lock.next] release: pairs with the acquire of whoever follows the link.
  before->next.store(&mine, memory_order_release);
  spin_wait wait;
  // [mcs_lock] acquire: pairs with the release in hand_over().
  while (mine.waiting.load(memory_order_acquire)) wait.once();

  // Ours. Now the lock's own node takes the place of `mine`.
  CONC_GAP(mcs_wait_for_the_link);
  // [mcs_lock.next] acquire: pairs with the release above, by the one behind us.
  node* next = mine.next.load(memory_order_acquire);
  if (next == nullptr) {
    holder_.next.store(nullptr, memory_order_relaxed);
    node* last = &mine;
    // [mcs_lock.last] release: pairs with the acquire above: who takes his place behind the lock's
    // node writes its `next` after we have cleared it.
    if (last_.compare_exchange_strong(last, &holder_, memory_order_release, memory_order_relaxed)) {
      return;
    }
    // Somebody is just taking his place behind us.
    if (CONC_STEP(mcs_wait_for_the_link)) next = await_next(mine);
  }
  holder_.next.store(next, memory_order_relaxed);
}

}  // namespace conc
