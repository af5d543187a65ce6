// A thread's values of all fiber_locals: a table, made at the first use and freed at its end.
#ifndef CONC_LOCKS_FIBER_VALUES_H
#define CONC_LOCKS_FIBER_VALUES_H

#include "locks/task.h"

namespace conc::detail {

// Destroys what the calling thread has. Runs code of the program's, which may suspend the thread.
void destroy_fiber_values(task& self) noexcept;

inline void end_fiber_values(task& self) noexcept {
  if (self.fiber_locals != nullptr) [[unlikely]]
    destroy_fiber_values(self);
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_FIBER_VALUES_H
