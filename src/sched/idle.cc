// What a carrier does when its processor has nothing to run, and how it is fetched back.
//
// The danger is the lost wake: a thread becomes ready just as the last carrier that could have run
// it falls asleep. For threads that come from outside the processors both sides announce before
// they look, with a full barrier between:
//
//   who posts a thread                     who goes to sleep
//   1. push it to an inbox                 1. resting = asleep, ++sleepers, --searchers
//   2. full barrier                        2. full barrier (the locked instructions of 1)
//   3. its processor asleep? wake it;      3. look once more at every queue
//      else sleepers and no searcher?         found: stay awake; else sleep
//      wake one
//
// If 3 on the left misses the sleeper, then 3 on the right sees the push.
//
// One searcher is enough: while a carrier looks for work, pushes wake nobody else. The searcher
// that finds some wakes the next one if there may be more; so the number of running processors
// follows the work, and a busy processor pays for at most one wake at a time.
//
// A push to a processor's own queue is too frequent for a barrier, and mostly not worth a wake: the
// processor itself will come to the thread in a moment. So there is the watch, one sleeper that
// sleeps with a time limit as long as others are busy, and then takes what was left lying: threads
// of a processor that has not switched since the last look. A push that finds the place of the
// watch taken, and little in the queue, does nothing more.
//
//   Invariant: if a processor is awake and another asleep, then one sleeper is on watch, or
//   somebody is a searcher, or a push that nobody watches will wake one.
//
// The watch gives its place up only to work, and then (go_to_work()) sees to it that one of the
// other sleepers takes it. A push whose writer read "watched" just before that may still be on its
// way when the new watch looks; it is seen at the next look, at most longest_watch later. That is
// why no barrier is needed between the push and the reading of `watched`. When all are idle nobody
// watches and nothing ticks, unless a carrier is away in a blocking section with I/O in flight.
//
// Is it worth it? Each processor knows how long its dispatches take on average, and from it how
// many queued threads are worth a wake (processor::worth_sharing, dispatch.cc). If that is reached
// the push wakes a searcher at once; and an idle carrier leaves alone what is not worth its coming.
#include <algorithm>
#include <mutex>

#include "locks/fence.h"
#include "locks/fork.h"
#include "locks/futex.h"
#include "locks/mutants.h"
#include "locks/random_delay.h"
#include "sched/scheduler.h"

namespace conc::detail {
namespace {

// The watch looks soon after it was called, then ever more rarely. What it has to do for others
// (steal.cc, withheld.cc) it should have done within a millisecond.
constexpr nanos longest_watch = 700'000;

}  // namespace

// A carrier that others may have relied on goes to work: as the last searcher, or as the watch.
void scheduler::go_to_work(const processor& self, bool was_searcher) noexcept {
  // [idle] seq_cst: first the place is given up, then the queues are looked at.
  if (was_searcher && searchers.fetch_sub(1, memory_order_seq_cst) != 1) return;
  full_fence();
  if (sleepers.load(memory_order_seq_cst) == 0) return;
  // Whoever pushed meanwhile counted on us to look for more, or on the watch that we were.
  bool needed =
      watches() && !watched.load(memory_order_seq_cst) && CONC_STEP(idle_hand_over_the_watch);
  needed = needed || shared.size() != 0;
  for (const auto& p : processors) needed = needed || (p->shares && p->has_to_share());
  if (needed) wake_one(self.index);
}

bool scheduler::anything_for(const carrier& c) const noexcept {
  for (const auto& p : processors) {
    if (p->shares && p->has_to_share()) return true;
  }
  if (!c.proc->looks_empty() || shared.size() != 0) return true;
  if (ending.load(memory_order_seq_cst) && (ended.load(memory_order_seq_cst) || quiescent())) {
    return true;  // the end itself has to be seen to
  }
  const poller* io = c.io.load(memory_order_relaxed);
  return io != nullptr && io->has_work();
}

void scheduler::note_dispatches() noexcept {
  for (const auto& p : processors) {
    p->watched_dispatches.store(p->dispatches(), memory_order_relaxed);
  }
}

void scheduler::sleep(carrier& c, bool& searching) noexcept {
  processor& p = *c.proc;
  poller* const io = c.io.load(memory_order_relaxed);
  const std::uint32_t how = io != nullptr && io->has_business() ? rest::in_poller : rest::on_futex;
  CONC_GAP(idle_look_again);
  CONC_RANDOM_DELAY();
  // [idle] seq_cst, all three: the announcement and the barrier of the table above.
  p.resting.store(how, memory_order_seq_cst);
  const std::uint32_t asleep = sleepers.fetch_add(1, memory_order_seq_cst) + 1;
  if (searching) searchers.fetch_sub(1, memory_order_seq_cst);

  full_fence();  // the locked instructions are one already on x86-64, but not everywhere

  bool on_watch = false;
  if (!CONC_STEP(idle_look_again) || !anything_for(c)) {
    nanos until = p.deadlines.next_look();
    // When all sleep, one of them must wake to give surplus stacks back.
    if (asleep == processors.size()) {
      until = std::min(until, next_trim.load(memory_order_relaxed));
    }
    // A carrier without its processor, in a blocking section, may withhold completions from all.
    const bool away = away_with_io.load(memory_order_relaxed) != 0 && CONC_STEP(io_watch_sections);
    on_watch = watches() && (asleep < processors.size() || away) && CONC_STEP(idle_keep_watch) &&
               !watched.exchange(true, memory_order_seq_cst);
    if (on_watch) {
      p.on_watch.store(true, memory_order_relaxed);
      note_dispatches();
      until = std::min(until, now() + c.watch_interval);
      c.watch_interval = std::min(2 * c.watch_interval, longest_watch);
    }
    CONC_RANDOM_DELAY();
    if (how == rest::in_poller) {
      io->wait(until);
    } else {
      futex_wait(p.resting, rest::on_futex, until);
    }
    if (on_watch) {
      p.on_watch.store(false, memory_order_relaxed);
      watched.store(false, memory_order_seq_cst);
    }
  }
  CONC_RANDOM_DELAY();
  sleepers.fetch_sub(1, memory_order_seq_cst);
  // [idle] acq_rel: pairs with the compare-and-swap in call().
  const std::uint32_t woken = p.resting.exchange(rest::awake, memory_order_acq_rel);
  searching = woken == rest::called;
  if (woken == rest::called || woken == rest::awake) c.watch_interval = carrier::first_watch;
}

void scheduler::offer_work(processor& p) noexcept {
  // Who makes threads ready on the scheduler's own stack dispatches the first of them itself, and
  // asks again for the rest.
  if (current_or_null() != p.holder.load(memory_order_relaxed)->self) call_for_help(p);
}

void scheduler::call_for_help(processor& p) noexcept {
  // [idle] the full barrier between the push and the look, needed where nobody watches.
  full_fence();
  if (sleepers.load(memory_order_relaxed) == 0 || searchers.load(memory_order_relaxed) != 0) return;
  wake_one(p.index);
}

void scheduler::post(tcb& t) noexcept {
  if (steals()) {
    post_to_its_processor(t);
  } else {
    place(t);
  }
}

void scheduler::post_to_its_processor(tcb& t) noexcept {
  // As soon as the thread is posted it may run, end, and with it the whole runtime: the destructor
  // waits for visitors.
  visitors.fetch_add(1, memory_order_relaxed);
  processor& p = *processor_of(t);
  p.post(t);  // [idle] seq_cst: the push and its barrier
  CONC_RANDOM_DELAY();
  if (!CONC_STEP(idle_call_for_a_post) || !call(p, rest::awake)) {
    // It is awake, but perhaps busy for long: somebody else may come first.
    if (p.shares && sleepers.load(memory_order_relaxed) != 0 &&
        searchers.load(memory_order_relaxed) == 0) {
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
    CONC_RANDOM_DELAY();
    // Rather not the watch: somebody would have to take its place.
    for (const bool even_the_watch : {false, true}) {
      for (const std::uint32_t i : near_order[near]) {
        processor& p = *processors[i];
        if (p.on_watch.load(memory_order_relaxed) == even_the_watch && call(p, rest::called))
          return;
      }
    }
    if (searchers.fetch_sub(1, memory_order_seq_cst) != 1) return;
    // Nobody slept. But while we stood in for a searcher somebody may have gone to sleep, and
    // somebody else have relied on us: look again if both seems to be so.
    bool resting = false, work = shared.size() != 0;
    for (const auto& p : processors) {
      const std::uint32_t how = p->resting.load(memory_order_seq_cst);
      resting = resting || (p->index != near && (how == rest::on_futex || how == rest::in_poller));
      work = work || (p->shares && p->has_to_share());
    }
    if (!resting || !work) return;
  }
}

// Ends the sleep of a processor's carrier. False if it does not sleep, or somebody else was first.
bool scheduler::call(processor& p, std::uint32_t as) noexcept {
  std::uint32_t how = p.resting.load(memory_order_seq_cst);
  if (how != rest::on_futex && how != rest::in_poller) return false;
  check_not_forked();  // the poller's bell is one with the parent's
  // [idle] seq_cst: pairs with the exchange at the end of sleep().
  if (!p.resting.compare_exchange_strong(how, as, memory_order_seq_cst)) return false;
  CONC_RANDOM_DELAY();
  if (how == rest::on_futex) {
    futex_wake(p.resting);
  } else {
    // The holder is the one that slept, which became it before it announced its sleep; or that one
    // has woken by itself, and somebody else has the processor by now, whom a bell does not
    // disturb. [processor.holder] acquire: pairs with the release in adopt().
    const carrier* sleeper = p.holder.load(memory_order_acquire);
    // [carrier.io] acquire: pairs with the release of whoever made it.
    if (poller* io = sleeper->io.load(memory_order_acquire); io != nullptr) io->interrupt();
  }
  return true;
}

void scheduler::end_if_quiescent() noexcept {
  if (!quiescent() || ended.exchange(true, memory_order_seq_cst)) return;
  if (CONC_STEP(end_call_the_others)) {
    for (const auto& p : processors) call(*p, rest::awake);
    const std::lock_guard guard(carriers_lock_);
    for (const auto& c : carriers_) ring(*c);
  }
  all_threads_ended_.count_down();
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
