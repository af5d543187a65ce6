// Where the ready threads of a runtime are, seen from outside while they go on: on which carrier
// one runs, or which child has taken its place.
//
// Switches write none of this down for others. But each carrier's kernel thread has its current
// task in a place that is known (carrier::current), and the parents that have stepped aside are
// linked (fork_stack.h). Both are read with caution (own_memory.h) and may be over by the time that
// the answer is there.
#ifndef CONC_SCHED_WHEREABOUTS_H
#define CONC_SCHED_WHEREABOUTS_H

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sched/scheduler.h"

namespace conc::detail {

class whereabouts {
 public:
  // Looks at the fork stacks, once. Throws std::bad_alloc.
  explicit whereabouts(scheduler& s);

  // The carrier on which this task is the current one; null if there is none.
  carrier* carrier_with(const task* cell) const noexcept;

  // Whether this thread has stepped aside; `child` is then the id of the child that runs in its
  // place, or 0 if the two have been separated.
  bool stands_aside(std::uint32_t id, std::uint32_t& child) const noexcept;

 private:
  void follow(const fork_stack& forks);

  std::vector<carrier*> carriers_;
  std::unordered_map<std::uint32_t, std::uint32_t> aside_;  // parent, child
};

}  // namespace conc::detail

#endif  // CONC_SCHED_WHEREABOUTS_H
