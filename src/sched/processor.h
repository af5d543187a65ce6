// A processor: one CPU's worth of scheduling state. Whoever holds it may run threads.
//
// A carrier (a kernel thread) holds a processor while it runs threads; the two are apart so that a
// processor can be given to another carrier when its own is stuck in the kernel.
//
// Where a ready thread can be, and who looks there:
//
//   next    one thread, woken or spawned by the one that runs now, which probably wants to talk to
//           it: runs first, at most `next_streak_limit` times in a row while others wait. Thieves
//           leave it alone unless the processor has not switched for a while.
//   queue   first in, first out. Thieves take from it.
//   inbox   wakes and spawns from outside: a lock-free stack, taken whole, order restored.
#ifndef CONC_SCHED_PROCESSOR_H
#define CONC_SCHED_PROCESSOR_H

#include "sched/run_queue.h"
#include "sched/timers.h"
#include "threads/tcb_pool.h"

namespace conc::detail {

struct carrier;
struct scheduler;

// Written by one carrier, read by anybody: no locked instruction, no torn value.
class counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(memory_order_relaxed) + n, memory_order_relaxed);
  }
  std::uint64_t read() const noexcept { return value_.load(memory_order_relaxed); }
  // For counts that say "all before this has happened".
  void add_release() noexcept {
    // [counter] release: pairs with the acquire in read_acquire().
    value_.store(value_.load(memory_order_relaxed) + 1, memory_order_release);
  }
  std::uint64_t read_acquire() const noexcept {
    // [counter] acquire: pairs with the release in add_release().
    return value_.load(memory_order_acquire);
  }

 private:
  atomic<std::uint64_t> value_{0};
};

// processor::resting: where the carrier that holds the processor is.
namespace rest {
inline constexpr std::uint32_t awake = 0;
inline constexpr std::uint32_t on_futex = 1;   // asleep, or about to be, on processor::resting
inline constexpr std::uint32_t in_poller = 2;  // the same, in carrier::io
inline constexpr std::uint32_t called = 3;     // was asleep; its waker has counted it as a searcher
}  // namespace rest

class processor {
 public:
  processor(scheduler& s, std::uint32_t number, bool is_only_one)
      : home(s), index(number), only_one(is_only_one), deadlines(number) {}
  processor(const processor&) = delete;
  processor& operator=(const processor&) = delete;

  static constexpr std::uint32_t next_streak_limit = 16;
  // A service point (timers, completions) comes after at most so many dispatches, and after about
  // this much time if threads run longer than a moment each.
  static constexpr std::uint32_t most_dispatches = 64;
  static constexpr nanos service_interval = 100'000;

  scheduler& home;
  const std::uint32_t index;
  const bool only_one;  // of its runtime: there is nobody to wake
  carrier* holder = nullptr;

  // --- the holder's -----------------------------------------------------------------------------
  run_queue queue;
  std::uint32_t dispatches_left = most_dispatches;
  std::uint32_t dispatches_granted = most_dispatches;
  std::uint32_t next_streak = 0;
  thread_cache cache;
  nanos last_service = 0;
  timers deadlines;

  counter dispatches, spawned, finished, yields, parks, wakes, steals, stolen_threads;

  // Puts a thread that has just become ready first in line. Holder only.
  void make_ready_next(tcb& t) noexcept {
    queue.enter();
    tcb* displaced = next.load(memory_order_relaxed);
    next.store(&t, memory_order_relaxed);
    if (displaced != nullptr) queue.push_back(*displaced);
    queue.leave();
  }
  void make_ready_last(tcb& t) noexcept {
    queue.enter();
    queue.push_back(t);
    queue.leave();
  }

  // Whether the scheduler's own stack must be visited before the next dispatch: an inbox to empty,
  // timers and completions to look at. Counts the dispatch.
  bool service_is_due() noexcept {
    if (dispatches_left <= 1) [[unlikely]]
      return true;
    --dispatches_left;
    return inbox.load(memory_order_relaxed) != nullptr;
  }

  // The thread to run next, or null. Inside the queue's section.
  tcb* take_in_section() noexcept {
    if (tcb* t = next.load(memory_order_relaxed); t != nullptr) {
      if (next_streak < next_streak_limit || queue.size() == 0 || !CONC_STEP(next_streak_ends)) {
        next.store(nullptr, memory_order_relaxed);
        ++next_streak;
        return t;
      }
    }
    next_streak = 0;
    return queue.pop_front();
  }

  std::uint32_t ready_threads() const noexcept {
    return queue.size() + (next.load(memory_order_relaxed) != nullptr ? 1 : 0);
  }

  // What an idle carrier elsewhere could take. A hint, as all that follows from it.
  bool has_stealable() const noexcept {
    return queue.size() > 0 || inbox.load(memory_order_relaxed) != nullptr;
  }
  bool looks_empty() const noexcept {
    return !has_stealable() && next.load(memory_order_relaxed) == nullptr;
  }

  // --- anybody's --------------------------------------------------------------------------------
  atomic<tcb*> next{nullptr};  // changed inside the queue's section only

  alignas(64) atomic<tcb*> inbox{nullptr};

  // Any thread: hands a ready thread over.
  void post(tcb& t) noexcept {
    const auto order = CONC_STEP(order_of_post) ? memory_order_seq_cst : memory_order_relaxed;
    tcb* head = inbox.load(memory_order_relaxed);
    do {
      t.next_ready = head;
      // [inbox] release: pairs with the acquire in empty_inbox(). seq_cst besides: the poster's
      // later look at `resting` must not come before the post is visible (see idle.cc).
    } while (!inbox.compare_exchange_weak(head, &t, order, memory_order_relaxed));
  }
  // Any carrier: takes everything, oldest first.
  tcb* empty_inbox() noexcept {
    if (inbox.load(memory_order_relaxed) == nullptr) return nullptr;
    // [inbox] acquire: pairs with the release in post().
    tcb* newest = inbox.exchange(nullptr, memory_order_acquire);
    tcb* oldest = nullptr;
    while (newest != nullptr) {
      tcb* t = newest;
      newest = t->next_ready;
      t->next_ready = oldest;
      oldest = t;
    }
    return oldest;
  }

  atomic<std::uint32_t> resting{rest::awake};
  // What the watch (idle.cc) saw of `dispatches` when it last looked.
  atomic<std::uint64_t> watched_dispatches{0};
};

}  // namespace conc::detail

#endif  // CONC_SCHED_PROCESSOR_H
