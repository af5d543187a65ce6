// What a carrier does when its processor has nothing to run, and how it is fetched back.
//
// The danger is the lost wake: a thread becomes ready just as the last carrier that could have run
// it falls asleep. Both sides therefore announce before they look, with a full barrier between:
//
//   who makes work                         who goes to sleep
//   1. push the thread                     1. resting = asleep, ++sleepers, --searchers
//   2. full barrier                        2. full barrier (the locked instructions of 1)
//   3. sleepers > 0 and searchers == 0?    3. look once more at every queue
//      wake one                               found: stay awake; else sleep
//
// If 3 on the left misses the sleeper, then 3 on the right sees the push.
//
// One searcher is enough: while a carrier looks for work, pushes wake nobody else. The searcher
// that finds some wakes the next one if there may be more; so the number of running processors
// follows the work, and a busy processor pays for at most one wake at a time.
//
// A thread in a processor's `next` slot is meant for that processor, and waking somebody for it
// would be wasted if, as usual, it runs within the next microsecond. It need not be so: the running
// thread may compute for long. Therefore one sleeper is the watch: it sleeps with a time limit as
// long as others are busy, and takes what was left lying. If nobody watches, the push does wake.
// When all are idle nobody watches and nothing ticks.
#include <algorithm>

#include "locks/fence.h"
#include "locks/futex.h"
#include "locks/mutants.h"
#include "sched/scheduler.h"

namespace conc::detail {
namespace {

// The watch looks soon after it was called, then ever more rarely.
constexpr nanos longest_watch = 1'000'000;

}  // namespace

// A carrier that others may have relied on goes to work: as the last searcher, or as the watch.
void scheduler::leave_search(bool was_searcher) noexcept {
  // [idle] seq_cst: first the place is given up, then the queues are looked at.
  if (was_searcher && searchers.fetch_sub(1, memory_order_seq_cst) != 1) return;
  full_fence();
  // Whoever pushed meanwhile counted on us to look for more; and somebody else must watch.
  if (sleepers.load(memory_order_seq_cst) == 0) return;
  const bool unwatched = !watched.load(memory_order_seq_cst);
  for (const auto& p : processors) {
    if (p->has_stealable() || (unwatched && p->next.load(memory_order_relaxed) != nullptr)) {
      return wake_one(p->index);
    }
  }
}

bool scheduler::anything_for(const carrier& c) const noexcept {
  for (const auto& p : processors) {
    if (p->has_stealable()) return true;
  }
  if (c.proc->next.load(memory_order_relaxed) != nullptr) return true;
  if (ending.load(memory_order_seq_cst) && (ended.load(memory_order_seq_cst) || quiescent())) {
    return true;  // the end itself has to be seen to
  }
  return c.io != nullptr && c.io->has_work();
}

void scheduler::note_dispatches() noexcept {
  for (const auto& p : processors) {
    p->watched_dispatches.store(p->dispatches.read(), memory_order_relaxed);
  }
}

void scheduler::sleep(carrier& c, bool& searching) noexcept {
  processor& p = *c.proc;
  const std::uint32_t how = c.io != nullptr && c.io->in_use() ? rest::in_poller : rest::on_futex;
  CONC_GAP(idle_look_again);
  // [idle] seq_cst, all three: the announcement and the barrier of the table above.
  p.resting.store(how, memory_order_seq_cst);
  const std::uint32_t asleep = sleepers.fetch_add(1, memory_order_seq_cst) + 1;
  if (searching) searchers.fetch_sub(1, memory_order_seq_cst);

  full_fence();  // the locked instructions are one already on x86-64, but not everywhere

  bool on_watch = false;
  if (!CONC_STEP(idle_look_again) || !anything_for(c)) {
    nanos until = p.deadlines.earliest();
    on_watch = asleep < processors.size() && CONC_STEP(idle_keep_watch) &&
               !watched.exchange(true, memory_order_seq_cst);
    if (on_watch) {
      note_dispatches();
      until = std::min(until, now() + c.watch_interval);
      c.watch_interval = std::min(2 * c.watch_interval, longest_watch);
    }
    if (how == rest::in_poller) {
      c.io->wait(until);
    } else {
      futex_wait(p.resting, rest::on_futex, until);
    }
    if (on_watch) watched.store(false, memory_order_seq_cst);
  }
  sleepers.fetch_sub(1, memory_order_seq_cst);
  // [idle] acq_rel: pairs with the compare-and-swap in call().
  const std::uint32_t woken = p.resting.exchange(rest::awake, memory_order_acq_rel);
  searching = woken == rest::called;
  if (woken == rest::called || woken == rest::awake) c.watch_interval = carrier::first_watch;
}

void scheduler::work_appeared(processor& p) noexcept {
  if (p.only_one) return;
  // [idle] the full barrier between the push and the look: the left column of the table above.
  full_fence();
  if (sleepers.load(memory_order_relaxed) == 0 || searchers.load(memory_order_relaxed) != 0) return;
  if (p.queue.size() == 0 && watched.load(memory_order_relaxed)) return;
  wake_one(p.index);
}

void scheduler::post(tcb& t) noexcept {
  // As soon as the thread is posted it may run, end, and with it the whole runtime: the destructor
  // waits for visitors.
  visitors.fetch_add(1, memory_order_relaxed);
  processor& p = *processors[t.home_processor];
  p.post(t);  // [idle] seq_cst: the push and its barrier
  if (!CONC_STEP(idle_call_for_a_post) || !call(p, rest::awake)) {
    // It is awake, but perhaps busy for long: somebody else may come first.
    if (sleepers.load(memory_order_relaxed) != 0 && searchers.load(memory_order_relaxed) == 0) {
      wake_one(p.index);
    }
  }
  // [visitors] release: pairs with the acquire in end_carriers(). The last access.
  visitors.fetch_sub(1, memory_order_release);
}

void scheduler::wake_one(std::uint32_t near) noexcept {
  for (;;) {
    std::uint32_t none = 0;
    if (!searchers.compare_exchange_strong(none, 1, memory_order_seq_cst)) return;
    for (const std::uint32_t i : steal_order[near]) {
      if (call(*processors[i], rest::called)) return;
    }
    if (searchers.fetch_sub(1, memory_order_seq_cst) != 1) return;
    // Nobody slept. But while we stood in for a searcher somebody may have gone to sleep, and
    // somebody else have relied on us: look again if both seems to be so.
    bool resting = false, work = false;
    for (const std::uint32_t i : steal_order[near]) {
      const std::uint32_t how = processors[i]->resting.load(memory_order_seq_cst);
      resting = resting || how == rest::on_futex || how == rest::in_poller;
      work = work || processors[i]->has_stealable();
    }
    if (!resting || !(work || processors[near]->has_stealable())) return;
  }
}

// Ends the sleep of a processor's carrier. False if it does not sleep, or somebody else was first.
bool scheduler::call(processor& p, std::uint32_t as) noexcept {
  std::uint32_t how = p.resting.load(memory_order_seq_cst);
  if (how != rest::on_futex && how != rest::in_poller) return false;
  // [idle] seq_cst: pairs with the exchange at the end of sleep().
  if (!p.resting.compare_exchange_strong(how, as, memory_order_seq_cst)) return false;
  if (how == rest::on_futex) {
    futex_wake(p.resting);
  } else {
    p.holder->io->interrupt();
  }
  return true;
}

void scheduler::end_if_quiescent() noexcept {
  if (!quiescent()) return;
  ended.store(true, memory_order_seq_cst);
  if (!CONC_STEP(end_call_the_others)) return;
  for (const auto& p : processors) call(*p, rest::awake);
}

bool scheduler::quiescent() const noexcept {
  // First the ends, then the beginnings: a thread's beginning is counted before its end, so if the
  // sums agree there was a moment between the two readings at which nobody was alive.
  std::uint64_t finished = 0, spawned = 0;
  for (const auto& p : processors) finished += p->finished.read_acquire();
  for (const auto& p : processors) spawned += p->spawned.read();
  return finished == spawned + spawned_outside.load(memory_order_relaxed);
}

}  // namespace conc::detail
