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
// One searcher is enough: while a carrier looks for work, pushes wake nobody else. The searcher that
// finds some wakes the next one if there may be more; so the number of running processors follows
// the work, and a busy processor pays for at most one wake at a time.
//
// A thread in a processor's `next` slot is meant for that processor, and waking somebody for it
// would be wasted if, as usual, it runs within the next microsecond. It need not be so: the running
// thread may compute for long. Therefore one sleeper is the watch: it sleeps with a time limit as
// long as others are busy, and takes what was left lying. If nobody watches, the push does wake.
// When all are idle nobody watches and nothing ticks.
#include <algorithm>

#include "locks/block_cost.h"
#include "locks/fence.h"
#include "locks/futex.h"
#include "locks/mutants.h"
#include "locks/spin_budget.h"
#include "sched/scheduler.h"

namespace conc::detail {
namespace {

// The watch looks soon after it was called, then ever more rarely.
constexpr nanos longest_watch = 1'000'000;
// A thief brings home at most so many threads: stealing half of a million would take as long as it
// would take to run them.
constexpr std::uint32_t most_stolen = 64;

}  // namespace

void scheduler::service(carrier& c) noexcept {
  processor& p = *c.proc;
  const nanos time = now();
  // The next service point: when about service_interval will have passed, judging by the threads
  // that ran since the last one; after most_dispatches at the latest.
  const std::uint32_t done = p.dispatches_granted - p.dispatches_left;
  const nanos each = (time - p.last_service) / std::max(done, std::uint32_t{1});
  p.dispatches_granted = static_cast<std::uint32_t>(std::clamp<nanos>(
      processor::service_interval / std::max<nanos>(each, 1), 2, processor::most_dispatches));
  p.dispatches_left = p.dispatches_granted;
  p.last_service = time;

  if (c.io != nullptr) c.io->poll();
  expired_wait late[32];
  std::size_t n;
  do {
    n = p.deadlines.expire(time, late, std::size(late));
    for (std::size_t i = 0; i < n; ++i) {
      tcb& t = *late[i].thread;
      if (!late[i].withdraw(t, late[i].epoch)) continue;  // somebody woke it in time
      t.token = wake_token::timed_out;
      t.state.store(task_state::ready, memory_order_relaxed);
      p.make_ready_last(t);
    }
  } while (n == std::size(late));
}

tcb* scheduler::take_own(carrier& c) noexcept {
  processor& p = *c.proc;
  if (p.dispatches_left <= 1) service(c);
  if (tcb* t = p.empty_inbox(); t != nullptr) {
    p.queue.enter();
    while (t != nullptr) {
      tcb* next = t->next_ready;
      p.queue.push_back(*t);
      t = next;
    }
    p.queue.leave();
  }
  p.queue.enter();
  tcb* t = p.take_in_section();
  p.queue.leave();
  return t;
}

namespace {

// Half of the victim's queue, linked; inside the thief's section.
tcb* take_half(run_queue& q) noexcept {
  tcb* first = nullptr;
  tcb** end = &first;
  for (std::uint32_t n = std::min((q.size() + 1) / 2, most_stolen); n > 0; --n) {
    tcb* t = q.pop_front();
    if (t == nullptr) break;
    t->next_ready = nullptr;
    *end = t;
    end = &t->next_ready;
  }
  return first;
}

// A thread that lies in the `next` slot of a processor that has not switched since the watch last
// looked.
bool has_forgotten_thread(const processor& p) noexcept {
  return p.next.load(memory_order_relaxed) != nullptr &&
         p.dispatches.read() == p.watched_dispatches.load(memory_order_relaxed);
}

}  // namespace

tcb* scheduler::steal(processor& thief, bool forgotten_too) noexcept {
  for (const std::uint32_t v : steal_order[thief.index]) {
    processor& victim = *processors[v];
    tcb* loot = victim.empty_inbox();  // what lies there belongs to nobody yet
    const bool forgotten = forgotten_too && has_forgotten_thread(victim);
    if (loot == nullptr && (victim.queue.size() > 0 || forgotten) && victim.queue.begin_theft()) {
      loot = take_half(victim.queue);
      if (loot == nullptr && forgotten) {
        loot = victim.next.load(memory_order_relaxed);
        victim.next.store(nullptr, memory_order_relaxed);
        if (loot != nullptr) loot->next_ready = nullptr;
      }
      victim.queue.end_theft();
    }
    if (loot == nullptr) continue;
    // The first is run, the others go to our own queue.
    thief.steals.add();
    thief.stolen_threads.add();
    if (tcb* t = loot->next_ready; t != nullptr) {
      thief.queue.enter();
      while (t != nullptr) {
        tcb* next = t->next_ready;
        thief.queue.push_back(*t);
        thief.stolen_threads.add();
        t = next;
      }
      thief.queue.leave();
    }
    return loot;
  }
  return nullptr;
}

// Looks around for as long as going to sleep and being woken would cost.
tcb* scheduler::search(carrier& c) noexcept {
  processor& p = *c.proc;
  if (tcb* t = steal(p, false); t != nullptr) return t;
  spinner_slot slot;
  if (!slot) return nullptr;
  spin_timer timer(block_cost_if_known());
  do {
    CONC_CPU_RELAX();
    if (!p.looks_empty() || (c.io != nullptr && c.io->has_work())) return nullptr;
    for (const auto& other : processors) {
      if (other.get() != &p && other->has_stealable()) {
        if (tcb* t = steal(p, false); t != nullptr) return t;
      }
    }
  } while (!timer.expired());
  return nullptr;
}

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

tcb* scheduler::next_thread(carrier& c) noexcept {
  processor& p = *c.proc;
  bool searching = false;
  bool slept = false;
  for (;;) {
    tcb* t = take_own(c);
    if (t == nullptr) {
      service(c);
      t = take_own(c);
    }
    if (t == nullptr) {
      if (ending.load(memory_order_seq_cst)) end_if_quiescent();
      if (ended.load(memory_order_seq_cst)) {
        if (searching) searchers.fetch_sub(1, memory_order_seq_cst);
        return nullptr;
      }
      if (!searching) searchers.fetch_add(1, memory_order_seq_cst);
      searching = true;
      // After a sleep also for what lies forgotten: it may have been ours to watch.
      if (slept) t = steal(p, true);
      if (t == nullptr) t = search(c);
    }
    if (t != nullptr) {
      if (searching || slept) leave_search(searching);
      // What this visit has made ready beyond the one that runs now (see make_ready_here()).
      if (p.ready_threads() > 0) work_appeared(p);
      return t;
    }
    if (p.looks_empty()) {
      sleep(c, searching);
      slept = true;
    }
  }
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
