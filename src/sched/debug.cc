#include "conc/debug.h"

#include "sched/carrier.h"
#include "sched/dump.h"
#include "sched/registry.h"
#include "threads/snapshot.h"

namespace conc {

void dump_all(std::ostream& out) {
  const detail::all_runtimes all;
  detail::dump(out, all.list());
}

stack_use this_thread::stack() noexcept {
  const detail::task& self = detail::current_task();
  if (!self.is_thread) return {};
  const detail::stack_memory s = detail::stack_of(static_cast<const detail::tcb&>(self));
  return {s.usable_size(), detail::touched_part(s)};
}

}  // namespace conc
