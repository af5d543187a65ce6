// Deadlines in a heap that needs no memory: each brings the links with it.
//
// A pairing heap (Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap: a new form of
// self-adjusting heap", 1986): a tree in which nobody is due before its parent. To insert takes one
// comparison; to remove the first a logarithm of them on average, though the first removal after n
// insertions goes through all n. It stands in where the array of a deadline_heap cannot grow.
//
// The links lie in the record of the wait, on the waiter's stack, not in its control block: a
// thread that is woken queues through the block's links while its timer is still armed.
#ifndef CONC_SCHED_LINKED_DEADLINES_H
#define CONC_SCHED_LINKED_DEADLINES_H

#include <utility>

#include "threads/tcb.h"

namespace conc::detail {

struct deadline_entry {
  nanos deadline;
  timer_node* node;
  tcb* thread;  // null: a callback_timer
};

// Means something while its node says `linked`; never initialised, for nearly no wait needs it.
struct deadline_link {
  deadline_link() noexcept {}  // NOLINT(modernize-use-equals-default): that would clear it
  deadline_entry what;
  deadline_link* child;   // the first of those below
  deadline_link* next;    // the next with the same parent
  deadline_link* before;  // whose `next` this is, or whose `child`; null for the root
};

class linked_deadlines {
 public:
  bool empty() const noexcept { return root_ == nullptr; }
  deadline_link& first() const noexcept { return *root_; }  // only if not empty

  void insert(deadline_link& l) noexcept {
    l.child = l.next = l.before = nullptr;
    root_ = root_ == nullptr ? &l : meld(root_, &l);
  }

  void remove(deadline_link& l) noexcept {
    if (&l == root_) {
      root_ = meld_all(l.child);
      return;
    }
    (l.before->child == &l ? l.before->child : l.before->next) = l.next;
    if (l.next != nullptr) l.next->before = l.before;
    if (deadline_link* below = meld_all(l.child); below != nullptr) root_ = meld(root_, below);
  }

 private:
  // Of two roots the one that is due later becomes the other's first child.
  static deadline_link* meld(deadline_link* a, deadline_link* b) noexcept {
    if (b->what.deadline < a->what.deadline) std::swap(a, b);
    b->next = a->child;
    if (b->next != nullptr) b->next->before = b;
    b->before = a;
    a->child = b;
    return a;
  }

  // Makes one tree of siblings: in pairs from the left, then the pairs from the right.
  static deadline_link* meld_all(deadline_link* first) noexcept {
    deadline_link* pairs = nullptr;  // the last one first, by `next`
    while (first != nullptr) {
      deadline_link* a = first;
      deadline_link* b = a->next;
      first = b != nullptr ? b->next : nullptr;
      if (b != nullptr) a = meld(a, b);
      a->next = pairs;
      pairs = a;
    }
    if (pairs == nullptr) return nullptr;
    deadline_link* all = pairs;
    for (deadline_link* p = std::exchange(pairs->next, nullptr); p != nullptr;) {
      deadline_link* a = p;
      p = std::exchange(a->next, nullptr);
      all = meld(all, a);
    }
    all->before = nullptr;
    return all;
  }

  deadline_link* root_ = nullptr;
};

}  // namespace conc::detail

#endif  // CONC_SCHED_LINKED_DEADLINES_H
