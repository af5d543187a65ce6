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

// Both inside the section of the queue. Inlined where they are used: a departure that went through
// memory would cost more than the jump.
[[gnu::always_inline]] inline departure switch_away(processor& p, execution& from, tcb& to,
                                                    departure d, bool last_time = false) noexcept {
  if (to.stack_base == nullptr) [[unlikely]]
    attach_stack(to, p);
  set_current_task(&to);
  return switch_execution(p.kernel, from, to.flow, d, last_time);
}

[[gnu::always_inline]] inline void switch_to_thread(processor& p, execution& from, tcb& to,
                                                    departure d, bool last_time = false) noexcept {
  arrive(switch_away(p, from, to, d, last_time));
}

// To the scheduler's own stack, which finds out what is to be done. Inside the section as well.
void switch_to_idle(processor& p, tcb& from, publish_fn publish, void* argument,
                    bool last_time = false) noexcept;

}  // namespace conc::detail

#endif  // CONC_SCHED_SWITCHING_H
