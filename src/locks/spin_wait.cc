#include "conc/detail/spin_wait.h"

#include "locks/task.h"
#include "locks/usable_cpus.h"

namespace conc::detail {

void give_way() noexcept {
  task& self = current_task();
  self.port->yield(self);
}

unsigned spin_rounds() noexcept { return usable_cpus() > 1 ? 64 : 0; }

}  // namespace conc::detail
