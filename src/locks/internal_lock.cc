#include "locks/internal_lock.h"

#include <sched.h>

#include <cerrno>
#include <ctime>

#include "conc/config.h"
#include "locks/fork.h"
#include "locks/usable_cpus.h"

namespace conc::detail {

void internal_lock::lock_slow() noexcept {
  // The sections are tens of nanoseconds long: a holder that is running is gone after a few dozen
  // pauses, and one that is not running needs this CPU.
  int spins = usable_cpus() > 1 ? 100 : 0;
  int yields = 20;
  for (;;) {
    if (try_lock()) return;
    if (spins > 0) {
      --spins;
      CONC_CPU_RELAX();
    } else if (yields > 0) {
      --yields;
      check_not_forked();
      sched_yield();
    } else {
      // Real-time priorities can make sched_yield() return to us for ever: sleep a little.
      const int saved_errno = errno;
      const timespec t{0, 50'000};
      nanosleep(&t, nullptr);
      errno = saved_errno;
    }
  }
}

}  // namespace conc::detail
