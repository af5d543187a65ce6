// What a checked build has against suspending in a stop callback (conc/detail/stop_request.h).
#ifndef CONC_SCHED_STOP_SECTION_H
#define CONC_SCHED_STOP_SECTION_H

#include "threads/tcb.h"

namespace conc::detail {

[[noreturn]] void refuse_to_suspend() noexcept;

// Before anything else is done to suspend the thread, or to let others run.
inline void check_may_suspend([[maybe_unused]] const tcb& self) noexcept {
#ifdef CONC_CHECKED
  if (self.stop_sections != 0) [[unlikely]]
    refuse_to_suspend();
#endif
}

}  // namespace conc::detail

#endif  // CONC_SCHED_STOP_SECTION_H
