// Switching between threads, and the user-thread side of the task port.
#include "sched/carrier.h"

#include "locks/mutants.h"
#include "sched/scheduler.h"
#include "sched/thread_life.h"
#include "threads/join.h"

namespace conc::detail {
namespace {

// Prepares `t` to run on `c` and makes it the current task. The last step before the switch.
void enter_thread(carrier& c, tcb& t) noexcept {
  processor& p = *c.proc;
  if (t.stack_base == nullptr) [[unlikely]]
    attach_stack(t, p.cache);
  t.host = &c;
  t.home_processor = p.index;
  t.state.store(task_state::running, memory_order_relaxed);
  p.dispatches.add();
  set_current_task(&t);
}

// Inlined where they are used: a departure that went through memory would cost more than the jump.
[[gnu::always_inline]] inline void switch_to_thread(carrier& c, execution& from, tcb& to,
                                                    departure d, bool last_time = false) noexcept {
  enter_thread(c, to);
  d = switch_execution(c.kernel, from, to.flow, d, last_time);
  d.publish(*d.from, d.argument);
}

[[gnu::always_inline]] inline void switch_to_idle(carrier& c, tcb& from, departure d,
                                                  bool last_time = false) noexcept {
  set_current_task(c.self);
  d = switch_execution(c.kernel, from.flow, c.idle, d, last_time);
  d.publish(*d.from, d.argument);
}

// The processor that runs the caller. Read anew after every switch: it may be another one.
processor& processor_here() noexcept { return *current_carrier()->proc; }

// `from_thread`: whether a thread does this, which goes on running. The scheduler's own stack
// dispatches what it has made ready itself and tells others only of what is left over.
void make_ready_here(processor& p, tcb& t, bool from_thread) noexcept {
  p.wakes.add();
#if defined(CONC_FORCE_MIGRATE)
  // A checking build: no thread ever wakes where it slept.
  auto& all = p.home.processors;
  all[(p.index + 1) % all.size()]->post(t);
  from_thread = true;
#else
  p.make_ready_next(t);
#endif
  if (from_thread) p.home.work_appeared(p);
}

void suspend_user_thread(task& t, publish_fn publish, void* argument, nanos deadline) noexcept {
  tcb& self = static_cast<tcb&>(t);
  processor& p = *carrier_of(t)->proc;
  t.state.store(task_state::blocked, memory_order_relaxed);
  p.parks.add();
  if (deadline == no_deadline) return leave_carrier(self, publish, argument);
  scheduler& home = p.home;
  p.deadlines.arm(self, deadline);
  leave_carrier(self, publish, argument);
  if (!CONC_STEP(timer_disarm)) return;
  home.processors[self.timer.heap_owner]->deadlines.disarm(self.timer);
}

void resume_user_thread(task& t) noexcept {
  tcb& target = static_cast<tcb&>(t);
  t.state.store(task_state::ready, memory_order_relaxed);
  carrier* c = current_carrier();
  if (c != nullptr && &c->home == target.home) {
    make_ready_here(*c->proc, target, current_or_null() != c->self);
  } else {
    target.home->post(target);
  }
}

#if !defined(CONC_FORCE_MIGRATE)
// The two ends of a yield that switches directly: the section of the queue that was entered before
// the switch ends on the other thread's stack, where we can be put in line.
void requeue_in_section(task& from, void*) noexcept {
  processor& p = processor_here();
  p.queue.push_back(static_cast<tcb&>(from));
  p.queue.leave();
}
#endif

void requeue(task& from, void*) noexcept {
#if defined(CONC_FORCE_MIGRATE)
  make_ready_here(processor_here(), static_cast<tcb&>(from), true);
#else
  processor_here().make_ready_last(static_cast<tcb&>(from));
#endif
}

void yield_user_thread(task& t) noexcept {
  tcb& self = static_cast<tcb&>(t);
  carrier& c = *carrier_of(t);
  processor& p = *c.proc;
  p.yields.add();
#if defined(CONC_FORCE_MIGRATE)
  static_cast<void>(p.service_is_due());  // counts; what is due is done on the way through idle
#else
  if (!p.service_is_due()) [[likely]] {
    p.queue.enter();
    tcb* next = p.take_in_section();
    if (next == nullptr) {
      p.queue.leave();
      return;
    }
    self.state.store(task_state::ready, memory_order_relaxed);
    return switch_to_thread(c, self.flow, *next, {&self, requeue_in_section, nullptr});
  }
#endif
  self.state.store(task_state::ready, memory_order_relaxed);
  switch_to_idle(c, self, {&self, requeue, nullptr});
}

void nothing_to_publish(task&, void*) noexcept {}

}  // namespace

constexpr task_port user_thread_port{suspend_user_thread, resume_user_thread, yield_user_thread};

namespace {

tcb* take_ready(processor& p) noexcept {
  p.queue.enter();
  tcb* next = p.take_in_section();
  p.queue.leave();
  return next;
}

}  // namespace

void leave_carrier(tcb& self, publish_fn publish, void* argument) noexcept {
  carrier& c = *carrier_of(self);
  processor& p = *c.proc;
  // The scheduler's own work is done on its own stack: here `publish` is still due, and the caller
  // may hold what that work needs.
  tcb* next = p.service_is_due() ? nullptr : take_ready(p);
  if (next != nullptr) {
    switch_to_thread(c, self.flow, *next, {&self, publish, argument});
  } else {
    switch_to_idle(c, self, {&self, publish, argument});
  }
}

void leave_for_ever(tcb& self, publish_fn publish, publish_fn publish_to_joiner) noexcept {
  carrier& c = *carrier_of(self);
  processor& p = *c.proc;
  if (!p.service_is_due()) {
    if (tcb* next = take_ready(p); next != nullptr) {
      switch_to_thread(c, self.flow, *next, {&self, publish, nullptr}, true);
      __builtin_unreachable();
    }
    // Nothing else is ready: straight to the one who waits for this end, if it is one of ours.
    task* j = parked_joiner(self);
    if (j != nullptr && is_user_thread(*j) && static_cast<tcb*>(j)->home == &c.home) {
      switch_to_thread(c, self.flow, static_cast<tcb&>(*j), {&self, publish_to_joiner, nullptr},
                       true);
      __builtin_unreachable();
    }
  }
  switch_to_idle(c, self, {&self, publish, nullptr}, true);
  __builtin_unreachable();
}

void carrier::run() noexcept {
  self = &current_task();
  self->host = this;
  kernel = kernel_thread_state::of_this_thread();
  idle.stack.adopt_current();
  while (tcb* t = home.next_thread(*this)) {
    switch_to_thread(*this, idle, *t, {self, nothing_to_publish, nullptr});
  }
  // `io` lives on: a waker may be about to interrupt it (scheduler::end_carriers).
  self->host = nullptr;
}

}  // namespace conc::detail
