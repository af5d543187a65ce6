// Switching between threads.
//
// Every switch happens inside the section of the processor's queue (run_queue.h): whoever leaves
// has entered it to find a successor, and whoever arrives ends it. Only then is the leaver
// published; until then nobody but this carrier can come across it.
#ifndef CONC_SCHED_SWITCHING_H
#define CONC_SCHED_SWITCHING_H

#include "sched/carrier.h"
#include "sched/thread_life.h"

namespace conc::detail {

inline departure leaving(processor& p, tcb& self, publish_fn publish = nullptr,
                         void* argument = nullptr) noexcept {
  return {&self, publish, argument, &p};
}

// Before a switch to a thread, inside the section of the queue: everything but the jump.
[[gnu::always_inline]] inline void prepare_switch(processor& p, execution& from, tcb& to,
                                                  bool last_time = false) noexcept {
  switch_error_numbers(p.kernel, from, to.flow, last_time);
  // Rarely does anybody suspend while an exception is in flight, or begin: one branch decides.
  if (is_special(p.kernel, to.flow)) [[unlikely]] {
    if (to.flow.caught == execution::unborn) attach_stack(to, p);
    if (is_special(p.kernel, to.flow)) switch_exceptions(*p.kernel.exceptions, from, to.flow);
  }
  set_current_task(&to);
}

// Inside the section as well. Inlined where they are used: a departure that went through memory
// would cost more than the jump. `d` is that of `self`.
[[gnu::always_inline]] inline departure switch_away(processor& p, tcb& self, tcb& to,
                                                    departure d) noexcept {
  prepare_switch(p, self.flow, to);
  before_switch(self.flow.stack, to.flow.stack, false);
  const departure arrived = switch_context_of<registers_in_tcb>(to, d);
  after_switch(self.flow.stack);
  return arrived;
}

[[gnu::always_inline]] inline void switch_to_thread(processor& p, tcb& self, tcb& to,
                                                    departure d) noexcept {
  arrive(switch_away(p, self, to, d));
}

// The last act of `self`, whose errno and registers nobody wants any more.
[[noreturn, gnu::always_inline]] inline void leave_for(processor& p, tcb& self, tcb& to,
                                                       departure d) noexcept {
  prepare_switch(p, self.flow, to, true);
  before_switch(self.flow.stack, to.flow.stack, true);
  leave_context(to.flow.registers, d);
}

// To the scheduler's own stack, which finds out what is to be done. Inside the section as well.
void switch_to_idle(processor& p, tcb& from, publish_fn publish, void* argument,
                    bool last_time = false) noexcept;

}  // namespace conc::detail

#endif  // CONC_SCHED_SWITCHING_H
