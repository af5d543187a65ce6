// Where a carrier looks when its own processor has nothing: in the others' queues.
#include <algorithm>

#include "locks/block_cost.h"
#include "locks/spin_budget.h"
#include "sched/scheduler.h"

namespace conc::detail {
namespace {

// A thief brings home at most so many threads: stealing half of a million would take as long as it
// would take to run them.
constexpr std::uint32_t most_stolen = 64;

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

// A processor with ready threads that has not switched since the watch last looked.
bool has_forgotten_threads(const processor& p) noexcept {
  return p.ready_threads() > 0 && p.dispatches() == p.watched_dispatches.load(memory_order_relaxed);
}

}  // namespace

tcb* scheduler::steal(processor& thief, bool forgotten_too) noexcept {
  if (!steals()) return nullptr;
  for (const std::uint32_t v : near_order[thief.index]) {
    processor& victim = *processors[v];
    tcb* loot = victim.empty_inbox();  // what lies there belongs to nobody yet
    const bool forgotten = forgotten_too && has_forgotten_threads(victim);
    if (loot == nullptr && (victim.has_to_share() || forgotten) && victim.queue.begin_theft()) {
      if (victim.has_fork_to_share() || forgotten) {
        loot = victim.forks.take_bottom();
        if (loot != nullptr) loot->next_ready = nullptr;
      }
      if (loot == nullptr) loot = take_half(victim.queue);
      if (loot == nullptr && forgotten) {
        // [next] acquire: pairs with the release in fill_next().
        loot = victim.next.load(memory_order_acquire);
        if (loot != nullptr) {
          // An empty slot is left alone: it may be filled just now.
          victim.next.store(nullptr, memory_order_relaxed);
          loot->next_ready = nullptr;
        }
      }
      victim.queue.end_theft();
    }
    if (loot == nullptr) continue;
    // The first is run, the others go to our own queue.
    loot->host = &thief;
    thief.migrations.increment();
    thief.steals.increment();
    thief.stolen_threads.add(1 + (loot->next_ready != nullptr ? thief.adopt(loot->next_ready) : 0));
    return loot;
  }
  return nullptr;
}

// A processor whose thread computes comes to its own timers late or never. Whoever has nothing to
// do ends the waits that are overdue, and runs the threads. The watch comes here about every
// millisecond: no wait is overlooked for much longer while any processor is idle. (Where threads do
// not move between processors nobody else may run them.)
void scheduler::expire_overdue(processor& p, nanos time) noexcept {
  if (!steals() || !CONC_STEP(timers_of_a_busy_processor)) return;
  for (const std::uint32_t v : near_order[p.index]) {
    // The owner comes by itself within a service interval, unless its thread computes.
    timers& others = processors[v]->deadlines;
    if (others.earliest_wait() > time - 2 * processor::service_interval) continue;
    end_expired_waits(others, p, time, timers::by::another);
  }
}

// Looks around for as long as going to sleep and being woken would cost.
tcb* scheduler::search(carrier& c) noexcept {
  processor& p = *c.proc;
  if (!steals() && layout != queue_layout::global) return nullptr;
  if (tcb* t = steal(p, false); t != nullptr) return t;
  spinner_slot slot;
  if (!slot) return nullptr;
  poller* io = c.io.load(memory_order_relaxed);
  if (io != nullptr) io->before_blocking();
  spin_timer timer(block_cost_if_known());
  do {
    CONC_CPU_RELAX();
    if (!p.looks_empty() || shared.size() != 0 || (io != nullptr && io->has_work())) return nullptr;
    for (const auto& other : processors) {
      if (other.get() != &p && other->shares && other->has_to_share()) {
        if (tcb* t = steal(p, false); t != nullptr) return t;
      }
    }
  } while (!timer.expired());
  return nullptr;
}

}  // namespace conc::detail
