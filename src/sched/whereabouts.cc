#include "sched/whereabouts.h"

#include "threads/own_memory.h"
#include "threads/snapshot.h"

namespace conc::detail {

whereabouts::whereabouts(scheduler& s) : carriers_(s.all_carriers()) {
  for (const auto& p : s.processors) follow(p->forks);
}

void whereabouts::follow(const fork_stack& forks) {
  const void* at;
  if (!read_object(at, forks.place_of_top())) return;
  // A link that changes under our eyes may lead anywhere, also in a circle.
  for (task_snapshot parent; at != nullptr && parent.read_at(at);
       at = fork_stack::below(parent.as_thread())) {
    task_snapshot child;
    const void* const its_child = fork_stack::child_of(parent.as_thread());
    const bool attached = its_child != nullptr && child.read_at(its_child);
    if (!aside_.emplace(parent.id(), attached ? child.id() : 0).second) return;
  }
}

carrier* whereabouts::carrier_with(const task* cell) const noexcept {
  for (carrier* c : carriers_) {
    const task_head* running;
    const auto* place = c->current.load(memory_order_relaxed);
    if (place != nullptr && read_object(running, place) && running == cell) return c;
  }
  return nullptr;
}

bool whereabouts::stands_aside(std::uint32_t id, std::uint32_t& child) const noexcept {
  const auto found = aside_.find(id);
  if (found == aside_.end()) return false;
  child = found->second;
  return true;
}

}  // namespace conc::detail
