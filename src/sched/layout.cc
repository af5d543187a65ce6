#include "sched/layout.h"

#include <algorithm>

#include "locks/fence.h"
#include "locks/fork.h"
#include "sched/scheduler.h"

namespace conc::detail {

// What a processor has to do, with what is still in its inbox.
std::uint32_t scheduler::backlog(const processor& p) noexcept {
  return p.ready_threads() + p.posted.load(memory_order_relaxed) +
         (p.resting.load(memory_order_relaxed) == rest::awake ? 1 : 0);
}

processor& scheduler::shortest_queue() noexcept {
  // Where to begin changes, so that equally short ones get their turns.
  const std::size_t first = next_placement.fetch_add(1, memory_order_relaxed);
  processor* best = nullptr;
  std::uint32_t least = 0;
  for (std::size_t i = 0; i < processors.size(); ++i) {
    processor& p = *processors[(first + i) % processors.size()];
    const std::uint32_t n = backlog(p);
    if (best == nullptr || n < least) {
      best = &p;
      least = n;
    }
  }
  return *best;
}

// A thread that has become ready, in a layout that does not steal.
void scheduler::place(tcb& t) noexcept {
  check_not_forked();
  processor* here = current_processor();
  if (layout == queue_layout::global) {
    // As in post(): the thread may run and end, and the runtime with it, before we are done.
    visitors.fetch_add(1, memory_order_relaxed);
    shared.push(t);
    // [idle] the full barrier between the push and the look.
    full_fence();
    const bool is_ours = here != nullptr && &here->home == this;
    if (sleepers.load(memory_order_relaxed) != 0 && searchers.load(memory_order_relaxed) == 0) {
      wake_one(is_ours ? here->index : static_cast<std::uint32_t>(processors.size()));
    }
    // [visitors] release: pairs with the acquire in end_carriers().
    visitors.fetch_sub(1, memory_order_release);
  } else if (processor_of(t) == here) {
    here->make_ready_last(t);
  } else {
    processor_of(t)->posted.fetch_add(1, memory_order_relaxed);
    post_to_its_processor(t);
  }
}

void scheduler::place_newborn(tcb& t) noexcept {
  t.host = &shortest_queue();
  place(t);
}

// Evens out the longest and the shortest queue, if it is time and they differ enough.
void scheduler::rebalance(nanos time) noexcept {
  nanos due = next_rebalance.load(memory_order_relaxed);
  if (time < due || !next_rebalance.compare_exchange_strong(due, time + rebalance_interval,
                                                            memory_order_relaxed)) {
    return;
  }
  processor* longest = processors[0].get();
  processor* shortest = longest;
  std::uint64_t sum = 0;
  for (const auto& p : processors) {
    const std::uint32_t n = backlog(*p);
    sum += n;
    if (n > backlog(*longest)) longest = p.get();
    if (n < backlog(*shortest)) shortest = p.get();
  }
  const std::uint32_t most = backlog(*longest), least = backlog(*shortest);
  // An imbalance of more than a quarter of the mean, and of two threads at least: one more or less
  // is no imbalance.
  if (most < least + 2 || (most - least) * 4ull * processors.size() <= sum) return;
  const std::uint32_t wanted = (most - least) / 2;
  tcb* moved = nullptr;
  tcb** end = &moved;
  if (!longest->queue.begin_theft()) return;
  for (std::uint32_t n = 0; n < wanted; ++n) {
    tcb* t = longest->queue.pop_front();
    if (t == nullptr) break;
    t->next_ready = nullptr;
    *end = t;
    end = &t->next_ready;
  }
  longest->queue.end_theft();
  while (moved != nullptr) {
    tcb* t = moved;
    moved = t->next_ready;
    t->host = shortest;
    rebalanced.fetch_add(1, memory_order_relaxed);
    place(*t);
  }
}

}  // namespace conc::detail
