// All runtimes of the process, for whoever wants to look at all of them.
#ifndef CONC_SCHED_REGISTRY_H
#define CONC_SCHED_REGISTRY_H

#include <mutex>
#include <vector>

#include "conc/mutex.h"

namespace conc::detail {

struct scheduler;

// Throws std::bad_alloc.
void enter_registry(scheduler& s);
// Afterwards nobody looks at it any more; waits for whoever does.
void leave_registry(scheduler& s) noexcept;

// Keeps all of them alive while it exists.
class all_runtimes {
 public:
  all_runtimes() noexcept;
  const std::vector<scheduler*>& list() const noexcept;

 private:
  std::unique_lock<conc::mutex> lock_;
};

}  // namespace conc::detail

#endif  // CONC_SCHED_REGISTRY_H
