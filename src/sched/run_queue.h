// A processor's queue of ready threads: first in, first out, with a lock that is biased to its
// owner.
//
// The owner works on the queue at every switch; thieves come rarely, and only when they have
// nothing else to do. So the owner pays no locked instruction and no fence, and a thief pays for
// both sides: it raises a flag, makes every running thread of the process pass a full barrier by
// membarrier(2), and then waits for the owner to be outside.
//
//   owner                                thief
//   busy = 1                             attention |= ticket (compare-and-swap: one at a time)
//   compiler barrier                     wait 2 us for the owner's answer: acknowledged == ticket
//   attention != 0 ? step aside:         no answer: membarrier,
//     busy = 0, acknowledged = ticket,     busy != 0 ? wait, and give up after a while
//     wait until it is gone, again       … queue …
//   … queue …                            attention &= ~ticket (release)
//   busy = 0 (release)
//
// Invariant: owner and thief are never both between their test and their last line. An answer names
// the ticket that the owner has seen, and the owner stays out while it sees a thief; an answer to
// an earlier thief that is late in the owner's store buffer names another ticket. Without an answer
// the membarrier decides: if the owner's test came before it, its store of `busy` is visible after
// it and the thief waits; otherwise the owner's test sees the ticket. Without the membarrier that
// store may still sit in the store buffer when the thief looks: the classic failure of Dekker's
// algorithm.
//
// The word `attention` says everything that may keep the owner from going on, so that one test
// suffices:
//
//   31 ........ 3 | 2        | 1         | 0
//   ticket        | diverted | symmetric | mail
//
// ticket     of the thief that is at work here or wants to be; 0: none. Set and cleared by thieves.
// symmetric  constant: there is no membarrier, the owner has to do its part with locked
//            instructions.
// diverted   constant: ready threads are not kept here (layout.h); go and look where they are.
// mail       the processor's inbox may have something. Set by posters, cleared by the owner.
//            Set in a child of fork(), too: its next section must be refused (locks/fork.h).
//
// An owner that dispatches answers within a fraction of a microsecond; one whose thread computes
// for long does not answer at all, and then fifteen microseconds for a membarrier are well spent.
//
// The owner's section extends over every switch: who leaves takes its successor off, and who
// arrives ends the section. So a yield may queue itself before its registers are saved: no thief
// can take it until they are.
//
// Where membarrier is refused (old kernels, seccomp), and under ThreadSanitizer, which knows no
// fences, the owner uses locked instructions instead.
// Source of the idea: Kawachiya, Koseki, Onodera, "Lock reservation", 2002; Dice, Huang, Yang,
// "Asymmetric Dekker synchronization", 2001.
#ifndef CONC_SCHED_RUN_QUEUE_H
#define CONC_SCHED_RUN_QUEUE_H

#include "locks/mutants.h"
#include "sched/counter.h"
#include "threads/tcb.h"

namespace conc::detail {

// Whether biased locks may rely on membarrier; decided once, before the first processor runs.
bool membarrier_works() noexcept;
// A full memory barrier on every running thread of this process. Only if membarrier_works().
void barrier_on_all_threads() noexcept;

class run_queue {
 public:
  explicit run_queue(bool is_diverted = false) noexcept
      : attention_((is_diverted ? diverted : 0) | (membarrier_works() ? 0 : symmetric)) {}
  run_queue(const run_queue&) = delete;
  run_queue& operator=(const run_queue&) = delete;

  // The owner's section. Returns whether there is something to be looked at on the scheduler's own
  // stack: mail, or the queue of another layout.
  [[gnu::always_inline]] bool enter() noexcept {
    busy_.store(1, memory_order_relaxed);
    // Only the compiler is held back here; the processor is, by the thief's membarrier.
    std::atomic_signal_fence(memory_order_seq_cst);
    if (nothing_asks_for_attention()) [[likely]]
      return false;
    return enter_slowly();
  }
  void leave() noexcept {
    // [run_queue.busy] release: pairs with the acquire in begin_theft().
    busy_.store(0, memory_order_release);
  }

  // Anybody, after a post to the inbox.
  void ring_for_mail() noexcept {
    if ((attention_.load(memory_order_relaxed) & mail) == 0) {
      attention_.fetch_or(mail, memory_order_relaxed);
    }
  }
  // The owner, before it empties the inbox: whoever posts after that rings again.
  void answer_mail() noexcept {
    if ((attention_.load(memory_order_relaxed) & mail) != 0) {
      // [run_queue.mail] acquire: what follows, the emptying, does not come before. Pairs with the
      // compare-and-swap of processor::post().
      attention_.fetch_and(~mail, memory_order_acquire);
    }
  }

  // Inside a section, the owner's or a thief's.
  [[gnu::always_inline]] void push_back(tcb& t) noexcept {
    append(t);
    size_.increment();
  }
  [[gnu::always_inline]] tcb* pop_front() noexcept {
    tcb* t = first_;
    if (t == nullptr) return nullptr;
    tcb* const n = t->next_ready;
    first_ = n;
    if (n == nullptr) {
      end_ = &first_;
    } else {
      prefetch(*n);
      prefetch_wait(*n);
    }
    size_.decrement();
    return t;
  }
  // The first for the last: push_back(t) and pop_front() in one, but null and nothing done if
  // there is nobody else.
  [[gnu::always_inline]] tcb* exchange_front(tcb& t) noexcept {
    tcb* f = first_;
    if (f == nullptr) return nullptr;
    append(t);
    tcb* const n = f->next_ready;
    first_ = n;
    prefetch(*n);
    return f;
  }

  // How many are queued; anybody may ask, the answer is a hint to all but the owner.
  std::uint32_t size() const noexcept { return size_.read(); }

  [[gnu::always_inline]] bool is_empty() const noexcept { return size_.is_zero(); }

  // The thief's section. False if another thief is there or the owner did not leave in time (it
  // may have been preempted by the kernel inside).
  bool begin_theft() noexcept;
  void end_theft() noexcept {
    // [run_queue.attention] release: pairs with the acquire in enter().
    attention_.fetch_and(diverted | symmetric | mail, memory_order_release);
  }

 private:
  static constexpr std::uint32_t mail = 1, symmetric = 2, diverted = 4, first_ticket = 8;

  static std::uint32_t ticket_in(std::uint32_t attention) noexcept {
    return attention & ~(mail | symmetric | diverted);
  }
  [[gnu::always_inline]] bool nothing_asks_for_attention() const noexcept {
#if defined(__x86_64__) && !defined(CONC_TSAN)
    // One instruction, which compilers do not make of an atomic load; every load is an acquire.
    bool nothing;
    asm volatile("cmpl $0, %1" : "=@ccz"(nothing) : "m"(attention_) : "memory");
    return nothing;
#else
    // [run_queue.attention] acquire: pairs with the release in end_theft().
    return attention_.load(memory_order_acquire) == 0;
#endif
  }
  [[gnu::cold, gnu::noinline]] bool enter_slowly() noexcept;
  void wait_for_thief() noexcept;

  // The one after the next: among many threads its lines have left the caches. Always inlined, or
  // g++ 12 takes these two for functions without an effect and drops the calls.
  [[gnu::always_inline]] static void prefetch(const tcb& t) noexcept {
    __builtin_prefetch(&t);
    __builtin_prefetch(t.flow.registers.sp);
  }
  // Of one that has waited, besides: what a wait writes, and the frames it returns through.
  [[gnu::always_inline]] static void prefetch_wait(const tcb& t) noexcept {
    __builtin_prefetch(&t.wait_epoch);
    for (int line = 1; line < 4; ++line) {
      __builtin_prefetch(static_cast<const char*>(t.flow.registers.sp) + 64 * line);
    }
  }

  void append(tcb& t) noexcept {
    t.next_ready = nullptr;
    *end_ = &t;
    end_ = &t.next_ready;
  }

  // The two pointers are apart, or compilers would gather them in a vector register to store them.
  tcb* first_ = nullptr;
  atomic<std::uint32_t> busy_{0};
  owned_counter<std::uint32_t> size_;
  tcb** end_ = &first_;  // where the next one is linked
  // On its own line, with the inbox behind it: the owner reads it at every section, others write it
  // rarely.
  alignas(64) atomic<std::uint32_t> attention_;
  atomic<std::uint32_t> acknowledged_{0};  // the ticket that the owner has stepped aside for
  atomic<std::uint32_t> tickets_{0};
};

}  // namespace conc::detail

#endif  // CONC_SCHED_RUN_QUEUE_H
