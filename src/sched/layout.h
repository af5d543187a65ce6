// Queue layouts other than work stealing: where a ready thread is put when its processor does not
// simply keep it.
//
//   global             one queue for all processors, under a lock
//   per_cpu            each processor its own; a new thread goes to the shortest, and then stays
//   per_cpu_migrating  the same, and every rebalance_interval the longest queue gives to the
//                      shortest what evens them out, if they differ by more than a quarter of the
//                      mean
//
// They are for comparison (multiprocessor scheduling as textbooks have it: Arpaci-Dusseau,
// "Operating Systems: Three Easy Pieces", chapter 10) and for programs that want their threads to
// stay where they are. Work stealing does not pay for them: its paths test one bit that they share
// with rarer things (run_queue.h, `diverted`) and one flag when a thread is made ready.
#ifndef CONC_SCHED_LAYOUT_H
#define CONC_SCHED_LAYOUT_H

#include "locks/internal_lock.h"
#include "threads/tcb.h"

namespace conc::detail {

inline constexpr std::int64_t rebalance_interval = 10'000'000;  // nanoseconds

// The global layout's queue: first in, first out.
class shared_queue {
 public:
  void push(tcb& t) noexcept {
    t.next_ready = nullptr;
    internal_lock_guard guard(lock_);
    *end_ = &t;
    end_ = &t.next_ready;
    size_.store(size() + 1, memory_order_relaxed);
  }
  tcb* pop() noexcept {
    if (size() == 0) return nullptr;
    internal_lock_guard guard(lock_);
    tcb* t = first_;
    if (t == nullptr) return nullptr;
    first_ = t->next_ready;
    if (first_ == nullptr) end_ = &first_;
    size_.store(size() - 1, memory_order_relaxed);
    return t;
  }
  // A hint, unless nobody pushes or pops.
  std::uint32_t size() const noexcept { return size_.load(memory_order_relaxed); }

 private:
  internal_lock lock_;
  atomic<std::uint32_t> size_{0};
  tcb* first_ = nullptr;
  tcb** end_ = &first_;
};

}  // namespace conc::detail

#endif  // CONC_SCHED_LAYOUT_H
