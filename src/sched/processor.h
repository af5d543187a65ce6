// A processor: one CPU's worth of scheduling state. Whoever holds it may run threads.
//
// A carrier (a kernel thread) holds a processor while it runs threads; the two are apart so that a
// processor can be given to another carrier when its own is stuck in the kernel. task::host of a
// running thread, and of its carrier's own task, is the processor.
//
// Where a ready thread can be, and who looks there:
//
//   next    one thread, woken or spawned by the one that runs now, which probably wants to talk to
//           it: runs first, at most `next_streak_limit` times in a row while others wait. Thieves
//           leave it alone unless the processor has not switched for a while.
//   queue   first in, first out. Thieves take from it if there is enough to be worth their while.
//   forks   parents that have stepped aside for their children (fork_stack.h). Thieves take the
//           oldest.
//   inbox   wakes and spawns from outside: a lock-free stack, taken whole, order restored.
#ifndef CONC_SCHED_PROCESSOR_H
#define CONC_SCHED_PROCESSOR_H

#include "sched/counter.h"
#include "sched/fork_stack.h"
#include "sched/load.h"
#include "sched/run_queue.h"
#include "sched/timers.h"
#include "threads/execution.h"
#include "threads/tcb_pool.h"

namespace conc::detail {

struct carrier;
struct scheduler;

// processor::resting: where the carrier that holds the processor is.
namespace rest {
inline constexpr std::uint32_t awake = 0;
inline constexpr std::uint32_t on_futex = 1;   // asleep, or about to be, on processor::resting
inline constexpr std::uint32_t in_poller = 2;  // the same, in carrier::io
inline constexpr std::uint32_t called = 3;     // was asleep; its waker has counted it as a searcher
}  // namespace rest

class processor {
 public:
  struct traits {
    bool steals;       // the layout is work stealing
    bool shares;       // and there are others to share with
    bool diverted;     // run_queue.h
    bool pool_stacks;  // threads have stacks of the default size unless they ask for others
  };
  processor(scheduler& s, std::uint32_t number, traits t)
      : queue(t.diverted),
        home(s),
        index(number),
        shares(t.shares),
        keeps_ready(t.steals),
        spawns_plainly(t.steals && t.pool_stacks),
        deadlines(number) {}
  processor(const processor&) = delete;
  processor& operator=(const processor&) = delete;

  static constexpr std::uint32_t next_streak_limit = 16;
  static constexpr std::uint32_t most_passed_over = 16;
  static constexpr std::uint32_t most_oldest_passed_over = 1024;
  // The clock is read after so many dispatches, and a service point (timers, completions) follows
  // if a timer is due or this much time has passed since the last one. So neither is overlooked for
  // longer than service_interval, or checkpoint_every dispatches if those take longer.
  static constexpr std::uint32_t checkpoint_every = 32;
  static constexpr nanos service_interval = 50'000;

  // --- the holder's -----------------------------------------------------------------------------
  run_queue queue;
  fork_stack forks;
  // Counts down from checkpoint_every at each dispatch; see dispatches().
  owned_counter<std::uint32_t> until_checkpoint{checkpoint_every};

  scheduler& home;
  const std::uint32_t index;
  const bool shares;              // its queue with others: this layout steals, and there are others
  const bool keeps_ready;         // ready threads stay here, by this layout
  const bool spawns_plainly;      // and newborn threads, which get a stack of the pool
  std::uint32_t coarse_time = 0;  // at the last look at the clock, for task::waits_since
  std::uint32_t next_streak = 0;
  std::uint32_t forks_passed_over = 0;        // since the youngest parent was taken up
  std::uint32_t oldest_fork_passed_over = 0;  // since the oldest was queued
  // With so many threads queued here it pays to wake another processor (idle.cc, "Is it worth
  // it?").
  atomic<std::uint32_t> worth_sharing{1};
  // Written by whoever becomes it, read by the threads that run on it, and by wakers.
  atomic<carrier*> holder{nullptr};
  kernel_thread_state kernel;  // the holder's

  counter parks;           // suspensions
  counter wakes;           // ends of suspensions; those from outside are in outside_wakes
  counter spawned;         // threads made by threads on this processor
  counter finished;        // threads that ended here
  counter steals;          // successful thefts by this processor …
  counter stolen_threads;  // … and what they brought
  counter migrations;      // threads that go on elsewhere than before, by this processor's doing
  counter made_way;        // other dispatches than parks, ends, yields and children that go first
  load_record load{now()};

  atomic<bool> runs_thread{false};  // else its holder is on its own stack

  thread_cache cache;
  timers deadlines;
  nanos last_service = 0;
  nanos last_checkpoint = 0;
  counter dispatches_before;  // those before until_checkpoint was set last
  std::uint64_t dispatches_judged = 0;

  // Puts a thread that has just become ready first in line, if nobody is. Holder only.
  //
  // Invariant: `next` is filled by the holder alone; others, in their sections, do no more than
  // take what they have found there. So a slot that the holder finds empty stays so until it is
  // filled, and that needs no section.
  [[gnu::always_inline]] bool fill_next(tcb& t) noexcept {
    if (next.load(memory_order_relaxed) != nullptr) return false;
    t.host = this;
    // [next] release: pairs with the acquire in steal(), which no section of ours may precede.
    next.store(&t, CONC_STEP(order_of_next) ? memory_order_release : memory_order_relaxed);
    return true;
  }
  // The same if somebody is, who then is last in line.
  void displace_next(tcb& t) noexcept {
    t.host = this;
    queue.enter();
    tcb* displaced = next.load(memory_order_relaxed);
    next.store(&t, memory_order_relaxed);
    if (displaced != nullptr) queue.push_back(*displaced);
    queue.leave();
  }
  void make_ready_last(tcb& t) noexcept {
    t.host = this;
    queue.enter();
    queue.push_back(t);
    queue.leave();
  }

  // Counts a dispatch. True if the clock has to be read and says that service is due: timers and
  // completions to look at, on the scheduler's own stack.
  bool count_dispatch() noexcept { return until_checkpoint.decrement_to_zero() && checkpoint(); }
  [[gnu::noinline]] bool checkpoint() noexcept;
  bool wants_service(nanos time) const noexcept;
  // Learns from what was dispatched since the last call how many queued threads are worth sharing.
  void judge_dispatches(nanos time) noexcept;
  void judge_from(nanos time) noexcept;

  // The threads of a list linked by next_ready, from elsewhere. Returns how many.
  std::uint32_t adopt(tcb* list) noexcept {
    std::uint32_t n = 0;
    queue.enter();
    for (; list != nullptr; ++n) {
      tcb* next_in_list = list->next_ready;
      if (list->host != this) migrations.increment();
      list->host = this;
      queue.push_back(*list);
      list = next_in_list;
    }
    queue.leave();
    return n;
  }

  // The thread to run next, or null. Inside the queue's section.
  [[gnu::always_inline]] tcb* take_in_section() noexcept {
    if (!forks.is_empty()) [[unlikely]]
      return take_with_forks();
    return take_from_queue();
  }
  [[gnu::always_inline]] tcb* take_from_queue() noexcept {
    if (tcb* t = next.load(memory_order_relaxed); t != nullptr && next_may_run()) {
      next.store(nullptr, memory_order_relaxed);
      return t;
    }
    next_streak = 0;
    return queue.pop_front();
  }
  // The same for one that has to be `t`, which is looked up in `next` alone.
  [[gnu::always_inline]] bool take_next_if(tcb& t) noexcept {
    if (next.load(memory_order_relaxed) != &t || !next_may_run()) return false;
    next.store(nullptr, memory_order_relaxed);
    return true;
  }
  // Counts how often in a row the slot was preferred to others who wait.
  [[gnu::always_inline]] bool next_may_run() noexcept {
    if (queue.is_empty()) [[likely]]
      return true;
    if (next_streak >= next_streak_limit && CONC_STEP(next_streak_ends)) return false;
    ++next_streak;
    return true;
  }
  // Parents are taken up again when nothing else is ready, so that a recursion stays deep rather
  // than broad; but the youngest is passed over a bounded number of times. It may go on forking for
  // ever, and so those below it have a bound of their own: the oldest takes its turn in the queue.
  // That one is greater by far, for the oldest begins the largest part of what is left, and all
  // that has been begun needs its stacks.
  //
  //   Bound: of most_oldest_passed_over + 1 visits here one takes up or queues the oldest.
  [[gnu::noinline]] tcb* take_with_forks() noexcept {
    forks.separate_top();
    if (++oldest_fork_passed_over > most_oldest_passed_over &&
        CONC_STEP(forks_oldest_is_not_starved)) {
      oldest_fork_passed_over = 0;
      queue.push_back(*forks.take_bottom());
      if (forks.depth() == 0) return take_from_queue();
    }
    if (forks_passed_over < most_passed_over || !CONC_STEP(forks_are_not_starved)) {
      if (tcb* t = take_from_queue(); t != nullptr) {
        ++forks_passed_over;
        return t;
      }
    }
    forks_passed_over = 0;
    return forks.take_top();
  }
  // The same for a thread that stays ready, which goes to the end of the line; null, and nothing
  // done, if there is nobody else.
  [[gnu::always_inline]] tcb* exchange_in_section(tcb& self) noexcept {
    if ((reinterpret_cast<std::uintptr_t>(next.load(memory_order_relaxed)) | forks.depth()) != 0)
        [[unlikely]]
      return exchange_slowly(self);
    return queue.exchange_front(self);
  }
  [[gnu::noinline]] tcb* exchange_slowly(tcb& self) noexcept {
    queue.push_back(self);
    return take_in_section();
  }

  std::uint64_t dispatches_by_holder() const noexcept {
    return dispatches_before.read() + checkpoint_every - until_checkpoint.read();
  }
  // How often a thread made way here for the next one, or for itself if nobody else was ready. The
  // end of a child that hands its processor straight back to its parent is none. Anybody may ask.
  std::uint64_t dispatches() const noexcept;
  // So yields need no counter of their own, which they would have to pay for. Of the children that
  // went first, those that handed their processor back are in `finished`, without a dispatch.
  std::uint64_t yields() const noexcept {
    const std::uint64_t others =
        parks.read() + finished.read() + made_way.read() + forks.not_returned_to();
    const std::uint64_t all = dispatches();
    return all > others ? all - others : 0;
  }

  std::uint32_t ready_threads() const noexcept {
    return queue.size() + forks.depth() + (next.load(memory_order_relaxed) != nullptr ? 1 : 0);
  }

  // Whether an idle carrier elsewhere should take some. A hint, as all that follows from it.
  bool has_to_share() const noexcept {
    return queue.size() >= worth_sharing.load(memory_order_relaxed) || has_fork_to_share() ||
           inbox.load(memory_order_relaxed) != nullptr;
  }
  // A single parent may be a loop that makes one tiny child after the other: it would only be
  // carried back and forth. In a recursion the oldest parent is worth it.
  bool has_fork_to_share() const noexcept {
    const std::uint32_t depth = forks.depth();
    return depth > 1 || (depth == 1 && worth_sharing.load(memory_order_relaxed) <= 4);
  }
  bool looks_empty() const noexcept {
    return queue.size() == 0 && inbox.load(memory_order_relaxed) == nullptr &&
           next.load(memory_order_relaxed) == nullptr && forks.depth() == 0;
  }

  // --- anybody's --------------------------------------------------------------------------------
  atomic<tcb*> next{nullptr};  // taken inside the queue's section only; filled: fill_next()

  atomic<tcb*> inbox{nullptr};
  // Ends of suspensions by others than this runtime's processors. Beside the inbox, whose line the
  // waker needs next.
  atomic<std::uint64_t> outside_wakes{0};

  // Any thread: hands a ready thread over.
  void post(tcb& t) noexcept {
    const auto order = CONC_STEP(order_of_post) ? memory_order_seq_cst : memory_order_relaxed;
    tcb* head = inbox.load(memory_order_relaxed);
    do {
      t.next_ready = head;
      // [inbox] release: pairs with the acquire in empty_inbox(). seq_cst besides: the poster's
      // later look at `resting` must not come before the post is visible (see idle.cc).
      // [run_queue.mail] the partner of answer_mail().
    } while (!inbox.compare_exchange_weak(head, &t, order, memory_order_relaxed));
    queue.ring_for_mail();
  }
  // Any carrier: takes everything, oldest first. The holder answers the ringing first.
  tcb* empty_inbox() noexcept {
    if (inbox.load(memory_order_relaxed) == nullptr) return nullptr;
    // [inbox] acquire: pairs with the release in post(). release: who posts next sees that the mail
    // has been answered.
    tcb* newest = inbox.exchange(nullptr, memory_order_acq_rel);
    tcb* oldest = nullptr;
    while (newest != nullptr) {
      tcb* t = newest;
      newest = t->next_ready;
      t->next_ready = oldest;
      oldest = t;
    }
    return oldest;
  }

  // Who has this processor: see lending.h.
  atomic<std::uint64_t> lease{0};
  std::uint64_t loan_number = 0;  // the holder's
  std::uint64_t loan_seen = 0;    // the standby's: at its last look

  // In the inbox; counted in the layouts that place by length.
  atomic<std::uint32_t> posted{0};

  atomic<std::uint32_t> resting{rest::awake};
  atomic<bool> on_watch{false};  // a hint to those who choose whom to wake
  // What the watch (idle.cc) saw of `dispatches` when it last looked.
  atomic<std::uint64_t> watched_dispatches{0};
};

}  // namespace conc::detail

#endif  // CONC_SCHED_PROCESSOR_H
