// A scheduler: the processors and carriers of one runtime, and how they keep each other busy.
#ifndef CONC_SCHED_SCHEDULER_H
#define CONC_SCHED_SCHEDULER_H

#include <memory>
#include <vector>

#include "conc/latch.h"
#include "conc/mutex.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "sched/carrier.h"
#include "sched/environment.h"
#include "sched/layout.h"
#include "sched/lending.h"
#include "sched/pinning.h"

namespace conc::detail {

struct scheduler {
  // Starts the carriers. Throws std::system_error: invalid_argument for impossible options,
  // not_supported for what this version lacks, and what pthread_create or mmap report.
  scheduler(runtime& owner, const runtime_options& options);
  // Waits until every thread of this runtime has ended, then ends the carriers.
  ~scheduler();
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  runtime& face;
  const nanos begun = now();
  std::size_t stack_size;  // 0: the pool's
  const queue_layout layout;
  const io_choice io_engine = io_choice_from_environment();
  const pinning pins;
  // Fixed once made; pointers, because everybody holds on to them.
  std::vector<std::unique_ptr<processor>> processors;
  // For each processor the others, near before far; behind them, for callers from outside, all.
  std::vector<std::vector<std::uint32_t>> near_order;

  bool steals() const noexcept { return layout == queue_layout::stealing; }
  // Whether somebody who is idle may have to help a busy processor unasked.
  bool watches() const noexcept {
    return layout == queue_layout::stealing || layout == queue_layout::per_cpu_migrating;
  }

  // --- dispatch.cc ------------------------------------------------------------------------------
  // The next thread for a carrier that has come to its own stack; sleeps until there is one. Null
  // when the runtime ends.
  tcb* next_thread(carrier& c) noexcept;

  // --- idle.cc ----------------------------------------------------------------------------------
  // After a push to a processor's own queue or next slot, by its holder: wakes somebody if a
  // sleeping processor could use the work.
  void work_appeared(processor& p) noexcept {
    if (wants_help(p)) offer_work(p);
  }
  bool is_watched() const noexcept { return watched.load(memory_order_relaxed); }
  // A ready thread from outside the processors: to where it ran last, and wakes somebody for it.
  void post(tcb& t) noexcept;
  // The same whatever the layout.
  void post_to_its_processor(tcb& t) noexcept;

  // --- layout.cc: where ready threads go unless the processors steal -----------------------------
  void place(tcb& t) noexcept;
  void place_newborn(tcb& t) noexcept;
  void rebalance(nanos time) noexcept;
  shared_queue shared;
  atomic<std::uint64_t> rebalanced{0};  // threads that rebalance() has moved

  // --- counting, for the end --------------------------------------------------------------------
  // Whether every thread ever spawned has ended. Final only once nobody outside spawns any more.
  bool quiescent() const noexcept;
  atomic<std::uint64_t> spawned_outside{0};
  atomic<bool> ending{false};         // the destructor has begun
  atomic<bool> ended{false};          // and no thread is left
  atomic<std::uint32_t> visitors{0};  // threads from outside that are inside post()

  // --- carriers (scheduler.cc, lending.cc) ------------------------------------------------------
  lending loans;
  atomic<std::uint32_t> carriers_alive{0};
  // One more carrier, a spare, as long as there are fewer than `needed`. Throws std::system_error.
  void add_spare(std::uint32_t needed);
  // For a blocking section: sees to it that there are carriers enough. Throws std::system_error.
  void provide_spare();
  void ring_for_spare() noexcept;
  // Sleeps until there is a processor for `c`; false if there will be none.
  bool wait_as_spare(carrier& c) noexcept;
  void adopt(carrier& c, processor& p) noexcept;
  // For who looks from outside. Carriers live as long as the scheduler, though their kernel threads
  // may end before.
  std::vector<carrier*> all_carriers();
  bool send_signal(const carrier& c, int signal) noexcept;

  // Carriers in a blocking section that have operations in flight.
  atomic<std::uint32_t> away_with_io{0};

  // --- the idle protocol's words (idle.cc) ------------------------------------------------------
  alignas(64) atomic<std::uint32_t> sleepers{0};  // processors whose carrier rests
  atomic<std::uint32_t> searchers{0};             // carriers that look for work elsewhere
  atomic<bool> watched{false};                    // a sleeper looks at the busy ones now and then
  // So much queued work, in nanoseconds, is worth another processor's coming.
  atomic<nanos> sharing_pays_from{0};

 private:
  void start(carrier& c);
  void pin(carrier& c, processor& p) noexcept;
  void end_carriers() noexcept;

  mutex carriers_lock_;  // guards the list, not what is in it
  std::vector<std::unique_ptr<carrier>> carriers_;
  std::ptrdiff_t starts_ = 0;     // kernel threads ever started …
  counting_semaphore<> over_{0};  // … and how many of them have come to their end
  latch all_threads_ended_{1};

  // dispatch.cc
  void service(carrier& c, poller::then next) noexcept;
  void end_expired_waits(timers& from, processor& p, nanos time, timers::by who) noexcept;
  tcb* take_own(carrier& c) noexcept;
  // steal.cc
  tcb* steal(processor& thief, bool forgotten_too) noexcept;
  tcb* search(carrier& c) noexcept;
  void expire_overdue(processor& p, nanos time) noexcept;
  // withheld.cc
  void fetch_withheld(carrier& helper, nanos time) noexcept;
  // idle.cc
  bool wants_help(const processor& p) const noexcept {
    return p.shares && (!watched.load(memory_order_relaxed) ||
                        p.queue.size() >= p.worth_sharing.load(memory_order_relaxed));
  }
  void offer_work(processor& p) noexcept;
  void call_for_help(processor& p) noexcept;
  void go_to_work(const processor& p, bool was_searcher) noexcept;
  void sleep(carrier& c, bool& searching) noexcept;
  bool anything_for(const carrier& c) const noexcept;
  void wake_one(std::uint32_t near) noexcept;
  bool call(processor& p, std::uint32_t as) noexcept;
  void note_dispatches() noexcept;
  void end_if_quiescent() noexcept;
  // layout.cc
  static std::uint32_t backlog(const processor& p) noexcept;
  processor& shortest_queue() noexcept;
  atomic<std::uint32_t> next_placement{0};
  atomic<nanos> next_rebalance{0};
  // lending.cc
  void ring(carrier& c) noexcept;
  bool unlist(carrier& c) noexcept;
  void rest_as_spare(carrier& c, std::uint32_t rung, nanos until) noexcept;
  processor* stand_by(carrier& c) noexcept;
  bool may_end(const carrier& c) noexcept;
};

// Runtime of the calling thread, else the process-wide default one, which this starts.
scheduler& current_scheduler();

}  // namespace conc::detail

#endif  // CONC_SCHED_SCHEDULER_H
