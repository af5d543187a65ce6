// Parents that have stepped aside for their children: the stack behind task_group::run().
//
// run() puts the parent on its processor's fork stack and switches to the child. If the child ends
// without ever having left its processor, and nobody has taken the parent meanwhile, the parent is
// on top: the child pops it and switches back. Nothing was counted, no locked instruction executed.
//
// The owner takes parents off the top, thieves off the bottom, where the oldest and so the largest
// part of a recursion lies; the owner does so, too, when the oldest has waited for long
// (processor::take_with_forks()). Everything happens inside the section of the processor's queue.
//
// A child is *attached* while it runs on top of its parent: the two need no counting, for the
// parent cannot go on before the child has ended. Whoever takes an attached child's parent off
// (a thief, or the dispatcher because the child suspends itself) separates them: it counts the
// child in the group and marks it, and the child, when it ends, will tell the group.
//
//   Invariant: at most the top entry's child is the running thread, and each other entry's child is
//   the parent in the entry above it, or separated. So if the running thread is attached, its
//   parent is on top of this very stack; when the running thread leaves its processor alive, it is
//   separated (separate_top(), in the same section).
//
// An entry needs no memory: a thread that is here neither waits nor stands in a queue, so those
// fields of its control block hold the entry.
#ifndef CONC_SCHED_FORK_STACK_H
#define CONC_SCHED_FORK_STACK_H

#include "conc/task_group.h"
#include "locks/mutants.h"
#include "sched/counter.h"
#include "threads/tcb.h"

namespace conc::detail {

// What a child has in place of a joiner: its group. In tcb::join, told from the other values by its
// lowest bits.
struct group_link {
  static constexpr std::uintptr_t mark = 3;

  static std::uintptr_t to(task_group& g) noexcept {
    return reinterpret_cast<std::uintptr_t>(&g) | mark;
  }
  static bool is_in(std::uintptr_t join) noexcept { return (join & mark) == mark; }
  static task_group& from(std::uintptr_t join) noexcept {
    return *reinterpret_cast<task_group*>(join & ~mark);
  }
  static void count(task_group& g) noexcept {
    // Relaxed: the section in which this happens comes before the child's look at its mark.
    g.word_.fetch_add(task_group::one_child, memory_order_relaxed);
  }
  static void done(task_group& g) noexcept { g.child_done(); }
};

class fork_stack {
 public:
  // Anybody may ask; a hint to all but the owner.
  std::uint32_t depth() const noexcept { return depth_.read(); }
  bool is_empty() const noexcept { return depth_.is_zero(); }

  [[gnu::always_inline]] void push(tcb& parent, tcb& child) noexcept {
    parent.prev_waiter = &child;
    parent.next_waiter = nullptr;
    parent.next_ready = top_;
    if (top_ != nullptr) {
      top_->next_waiter = &parent;
    } else {
      bottom_ = &parent;
    }
    top_ = &parent;
    child.attached = true;
    depth_.increment();
  }

  // How many children began here first and did not hand their processor straight back when they
  // ended, or have not yet.
  std::uint64_t not_returned_to() const noexcept { return taken_.read() + depth(); }

  // For who looks from outside, with caution: the youngest parent, and how to go on.
  tcb* const* place_of_top() const noexcept { return &top_; }
  static const void* below(const tcb& parent) noexcept { return parent.next_ready; }
  static const void* child_of(const tcb& parent) noexcept { return parent.prev_waiter; }

  // For an attached child that has ended: its parent.
  [[gnu::always_inline]] tcb& pop_parent() noexcept {
    tcb& t = *top_;
    remove_top();
    return t;
  }

  // The youngest parent, separated from its child; null if there is none.
  tcb* take_top() noexcept {
    tcb* t = top_;
    if (t == nullptr) return nullptr;
    separate(*t);
    remove_top();
    taken_.increment();
    return t;
  }
  // The oldest, for thieves, and for the owner lest it starve.
  tcb* take_bottom() noexcept {
    tcb* t = bottom_;
    if (t == nullptr) return nullptr;
    separate(*t);
    bottom_ = static_cast<tcb*>(t->next_waiter);
    if (bottom_ != nullptr) {
      bottom_->next_ready = nullptr;
    } else {
      top_ = nullptr;
    }
    depth_.decrement();
    taken_.increment();
    return t;
  }

  // The running thread leaves its processor: it does not run on top of its parent any more.
  void separate_top() noexcept {
    if (top_ != nullptr) separate(*top_);
  }

 private:
  // An entry is a parent: next_ready is the one below, next_waiter the one above, prev_waiter the
  // attached child, or null once it is separated.
  static void separate(tcb& parent) noexcept {
    tcb* child = static_cast<tcb*>(parent.prev_waiter);
    if (child == nullptr) return;
    parent.prev_waiter = nullptr;
    if (CONC_STEP(fork_count_the_separated)) {
      group_link::count(group_link::from(child->join.load(memory_order_relaxed)));
    }
    child->attached = false;
  }
  void remove_top() noexcept {
    top_ = top_->next_ready;
    if (top_ != nullptr) {
      top_->next_waiter = nullptr;
    } else {
      bottom_ = nullptr;
    }
    depth_.decrement();
  }

  tcb* top_ = nullptr;
  tcb* bottom_ = nullptr;
  owned_counter<std::uint32_t> depth_;
  counter taken_;  // parents, by take_top() and take_bottom()
};

}  // namespace conc::detail

#endif  // CONC_SCHED_FORK_STACK_H
