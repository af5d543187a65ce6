// A processor's queue of ready threads: first in, first out, with a lock that is biased to its
// owner.
//
// The owner works on the queue at every switch; thieves come rarely, and only when they have
// nothing else to do. So the owner pays no locked instruction and no fence, and a thief pays for
// both sides: it raises a flag, makes every running thread of the process pass a full barrier by
// membarrier(2), and then waits for the owner to be outside.
//
//   owner                                thief
//   busy = 1                             thief = ticket (compare-and-swap: one thief at a time)
//   compiler barrier                     wait 2 us for the owner's answer: acknowledged == ticket
//   thief != 0 ? step aside:             no answer: membarrier,
//     busy = 0, acknowledged = thief,      busy != 0 ? wait, and give up after a while
//     wait for thief == 0, start again   … queue …
//   … queue …                            thief = 0 (release)
//   busy = 0 (release)
//
// Invariant: owner and thief are never both between their test and their last line. An answer names
// the ticket that the owner has seen, and the owner stays out while it sees a thief; an answer to
// an earlier thief that is late in the owner's store buffer names another ticket. Without an answer
// the membarrier decides: if the owner's test came before it, its store of `busy` is visible after
// it and the thief waits; otherwise the owner's test sees `thief`. Without the membarrier that
// store may still sit in the store buffer when the thief looks: the classic failure of Dekker's
// algorithm.
//
// An owner that dispatches answers within a fraction of a microsecond; one whose thread computes
// for long does not answer at all, and then fifteen microseconds for a membarrier are well spent.
//
// The owner's section may extend over a switch: a yield takes its successor off, switches, and
// appends itself on the successor's stack, all in one section.
//
// Where membarrier is refused (old kernels, seccomp), and under ThreadSanitizer, which knows no
// fences, the owner uses locked instructions instead.
// Source of the idea: Kawachiya, Koseki, Onodera, "Lock reservation", 2002; Dice, Huang, Yang,
// "Asymmetric Dekker synchronization", 2001.
#ifndef CONC_SCHED_RUN_QUEUE_H
#define CONC_SCHED_RUN_QUEUE_H

#include "locks/mutants.h"
#include "threads/tcb.h"

namespace conc::detail {

// Whether biased locks may rely on membarrier; decided once, before the first processor runs.
bool membarrier_works() noexcept;
// A full memory barrier on every running thread of this process. Only if membarrier_works().
void barrier_on_all_threads() noexcept;

class run_queue {
 public:
  run_queue() noexcept : symmetric_(!membarrier_works()) {}

  // The owner's section.
  void enter() noexcept {
    for (;;) {
      if (symmetric_) [[unlikely]] {
        // [run_queue.symmetric] seq_cst on both sides: Dekker with fences in the instructions.
        busy_.exchange(1, memory_order_seq_cst);
        if (thief_.fetch_add(0, memory_order_seq_cst) == 0) [[likely]]
          return;
      } else {
        busy_.store(1, memory_order_relaxed);
        // Only the compiler is held back here; the processor is, by the thief's membarrier.
        std::atomic_signal_fence(memory_order_seq_cst);
        // [run_queue.thief] acquire: pairs with the release in end_theft().
        if (thief_.load(memory_order_acquire) == 0 || !CONC_STEP(run_queue_owner_looks)) [[likely]]
          return;
      }
      wait_for_thief();
    }
  }
  void leave() noexcept {
    // [run_queue.busy] release: pairs with the acquire in begin_theft().
    busy_.store(0, memory_order_release);
  }

  // Inside a section, the owner's or a thief's.
  void push_back(tcb& t) noexcept {
    t.next_ready = nullptr;
    if (first_ == nullptr) {
      first_ = &t;
    } else {
      last_->next_ready = &t;
    }
    last_ = &t;
    size_.store(size_.load(memory_order_relaxed) + 1, memory_order_relaxed);
  }
  tcb* pop_front() noexcept {
    tcb* t = first_;
    if (t == nullptr) return nullptr;
    first_ = t->next_ready;
    size_.store(size_.load(memory_order_relaxed) - 1, memory_order_relaxed);
    return t;
  }

  // How many are queued; anybody may ask, the answer is a hint to all but the owner.
  std::uint32_t size() const noexcept { return size_.load(memory_order_relaxed); }

  // The thief's section. False if another thief is there or the owner did not leave in time (it
  // may have been preempted by the kernel inside).
  bool begin_theft() noexcept;
  void end_theft() noexcept {
    // [run_queue.thief] release: pairs with the acquire in enter().
    thief_.store(0, memory_order_release);
  }

 private:
  [[gnu::cold, gnu::noinline]] void wait_for_thief() noexcept;

  atomic<std::uint32_t> busy_{0};
  atomic<std::uint32_t> size_{0};
  tcb* first_ = nullptr;
  tcb* last_ = nullptr;
  const bool symmetric_;
  // On their own line: the owner reads it at every section, thieves write it rarely.
  alignas(64) atomic<std::uint32_t> thief_{0};  // 0 or the thief's ticket
  atomic<std::uint32_t> acknowledged_{0};       // the ticket that the owner has stepped aside for
  atomic<std::uint32_t> tickets_{0};
};

}  // namespace conc::detail

#endif  // CONC_SCHED_RUN_QUEUE_H
