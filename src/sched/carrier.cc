// The user-thread side of the task port: suspend, resume, yield; and a carrier's main function.
#include "sched/carrier.h"

#include <sys/prctl.h>

#include <charconv>

#include "conc/detail/spin_wait.h"
#include "locks/kernel_task.h"
#include "locks/mutants.h"
#include "locks/random_delay.h"
#include "locks/sanitized.h"
#include "sched/scheduler.h"
#include "sched/stop_section.h"
#include "sched/switching.h"

namespace conc::detail {
namespace {

[[gnu::noinline, maybe_unused]] void make_ready_in_place_of_another(processor& p, tcb& t) noexcept {
  p.displace_next(t);
  p.home.work_appeared(p);
}

[[gnu::always_inline]] inline void make_ready_here(processor& p, tcb& t) noexcept {
  if (!p.keeps_ready) [[unlikely]]
    return p.home.place(t);
#if defined(CONC_FORCE_MIGRATE)
  // A checking build: no thread ever wakes where it slept.
  auto& all = p.home.processors;
  all[(p.index + 1) % all.size()]->post(t);
#else
  if (t.host != &p) [[unlikely]]
    p.migrations.increment();
  if (!p.fill_next(t)) return make_ready_in_place_of_another(p, t);
#endif
  if (p.shares) p.home.work_appeared(p);
}

[[gnu::noinline]] void leave_to_be_served(processor& p, tcb& self, publish_fn publish,
                                          void* argument) noexcept {
  p.queue.enter();
  switch_to_idle(p, self, publish, argument);
}

// With a wait begun and the deadline, if any, armed.
[[gnu::always_inline]] inline void leave(processor& p, tcb& self, publish_fn publish,
                                         void* argument) noexcept {
  // The scheduler's own work is done on its own stack: here `publish` is still due, and the caller
  // may hold what that work needs.
  CONC_RANDOM_DELAY();
  if (p.count_dispatch()) [[unlikely]]
    return leave_to_be_served(p, self, publish, argument);
  const bool mail = p.queue.enter();
  CONC_RANDOM_DELAY();
  if (!mail) [[likely]] {
    if (tcb* next = p.take_in_section(); next != nullptr) [[likely]] {
      return switch_to_thread(p, self, *next, leaving(p, self, publish, argument));
    }
  }
  switch_to_idle(p, self, publish, argument);
}

void begin_wait(processor& p, tcb& self) noexcept {
  check_may_suspend(self);
  self.waits_since.store(p.coarse_time, memory_order_relaxed);
  self.state.store(task_state::blocked, memory_order_relaxed);
  p.parks.increment();
}

// On the stack of a thread that waits with a deadline, which stays as it is until the wait ends.
struct timed_wait {
  timed_wait(publish_fn p, void* a, timers& at) noexcept : publish(p), argument(a), armed_at(at) {}
  publish_fn publish;
  void* argument;
  timers& armed_at;
  deadline_link link;
};

void publish_timed(task& from, void* wait) noexcept {
  const timed_wait& w = *static_cast<timed_wait*>(wait);
  // A sleep may be over with saved(), and `w` gone.
  const publish_fn publish = w.publish;
  void* const argument = w.argument;
  w.armed_at.saved();
  publish(from, argument);
}

[[gnu::noinline]] void suspend_until(tcb& self, publish_fn publish, void* argument,
                                     nanos deadline) noexcept {
  processor& p = *processor_of(self);
  begin_wait(p, self);
  timed_wait wait(publish, argument, p.deadlines);
  p.deadlines.arm(self, deadline, wait.link);
  leave(p, self, publish_timed, &wait);
  if (CONC_STEP(timer_disarm)) wait.armed_at.disarm(self, wait.link);
}

[[gnu::hot]] void suspend_user_thread(task& t, publish_fn publish, void* argument,
                                      nanos deadline) noexcept {
  tcb& self = static_cast<tcb&>(t);
  if (deadline != no_deadline) [[unlikely]]
    return suspend_until(self, publish, argument, deadline);
  processor& p = *processor_of(t);
  begin_wait(p, self);
  leave(p, self, publish, argument);
}

[[gnu::noinline]] void resume_elsewhere(tcb& t) noexcept {
  // Before it can be found: it may run, and the figures be read, before the post is over.
  processor_of(t)->outside_wakes.fetch_add(1, memory_order_relaxed);
  t.home->post(t);
}

[[gnu::hot]] void resume_user_thread(task& t) noexcept {
  tcb& target = static_cast<tcb&>(t);
  CONC_RANDOM_DELAY();
  t.state.store(task_state::ready, memory_order_relaxed);
  processor* p = current_processor();
  if (p == nullptr || &p->home != target.home) return resume_elsewhere(target);
  p->wakes.increment();
  make_ready_here(*p, target);
}

void requeue(task& from, void*) noexcept {
#if defined(CONC_FORCE_MIGRATE)
  make_ready_here(*current_processor(), static_cast<tcb&>(from));
#else
  processor& p = *current_processor();
  if (p.home.steals()) {
    p.make_ready_last(static_cast<tcb&>(from));
  } else {
    p.home.place(static_cast<tcb&>(from));
  }
#endif
}

// Returns from the function that ends in this call, by a jump. Processors foresee where a return
// goes by a stack of their own that the calls of a kernel thread build up; after a switch its top
// is where the thread that has left was to return to. A return to elsewhere is mistaken, and an
// indirect jump, foreseen by what happened before, mostly is not.
#if defined(__x86_64__) && !defined(CONC_TSAN)
[[gnu::naked, gnu::noinline, maybe_unused]] void return_by_jump() noexcept {
  asm volatile(
      "popq %rcx\n\t"
      ".cfi_adjust_cfa_offset -8\n\t"
      ".cfi_register %rip, %rcx\n\t"
      "jmp *%rcx");
}
#else
[[maybe_unused]] inline void return_by_jump() noexcept {}
#endif

// A yield by way of the scheduler's own stack.
[[gnu::noinline]] void yield_to_scheduler(processor& p, tcb& self) noexcept {
  p.queue.enter();
  switch_to_idle(p, self, requeue, nullptr);
}

[[gnu::always_inline]] inline void yield_here(task& t) noexcept {
  tcb& self = static_cast<tcb&>(t);
  check_may_suspend(self);
  processor& p = *processor_of(t);
#if !defined(CONC_FORCE_MIGRATE)
  if (!p.count_dispatch()) [[likely]] {
    if (!p.queue.enter()) [[likely]] {
      // Queued before it has left: the section keeps thieves away until it has.
      CONC_RANDOM_DELAY();
      tcb* next = p.exchange_in_section(self);
      if (next == nullptr) return p.queue.leave();
      const departure d =
          switch_away(p, self, *next, leaving(p, self, nullptr, __builtin_return_address(0)));
      arrive(d);
      // The commonest leaver yielded, too, and told from where.
      if (d.publish != nullptr || d.argument != __builtin_return_address(0))
        return return_by_jump();
      return;
    }
    p.queue.leave();
  }
#else
  p.count_dispatch();  // the scheduler looks whether service is due in any case
#endif
  yield_to_scheduler(p, self);
}

void yield_user_thread(task& t) noexcept { yield_here(t); }

// The queue holds copies of the parent's ready threads. Whatever would run one of them, or make
// another one ready where somebody is first in line, begins with a section of the queue; the next
// one is entered slowly. So somebody is: nobody comes so far as to run him.
void refuse_sections(task& t) noexcept {
  processor& p = *processor_of(t);
  p.queue.ring_for_mail();
  if (p.next.load(memory_order_relaxed) == nullptr) {
    p.next.store(&static_cast<tcb&>(t), memory_order_relaxed);
  }
}

}  // namespace

constexpr task_port user_thread_port{suspend_user_thread, resume_user_thread, yield_user_thread,
                                     refuse_sections};

[[gnu::hot, gnu::noinline]] void switch_to_idle(processor& p, tcb& from, publish_fn publish,
                                                void* argument, bool last_time) noexcept {
  carrier& c = *p.holder.load(memory_order_relaxed);
  if (p.forks.depth() != 0) [[unlikely]]
    p.forks.separate_top();
  p.runs_thread.store(false, memory_order_relaxed);
  set_current_task(c.self);
  arrive(switch_execution(p.kernel, from.flow, c.idle, leaving(p, from, publish, argument),
                          last_time));
}

void leave_carrier(processor& p, tcb& self, publish_fn publish, void* argument) noexcept {
  check_may_suspend(self);
  leave(p, self, publish, argument);
}

}  // namespace conc::detail

namespace conc {

using namespace conc::detail;

[[gnu::hot]] void this_thread::yield() noexcept {
  task_head* const self = current_or_null();
  if (self != nullptr && is_user_thread(static_cast<task&>(*self))) [[likely]]
    return yield_here(static_cast<task&>(*self));
  give_way();
}

}  // namespace conc

namespace conc::detail {

[[gnu::hot]] void run_child_first(tcb& parent, tcb& child) noexcept {
  check_may_suspend(parent);
  // Service comes before the child begins: to begin it and leave it would make the recursion broad.
  while (processor_of(parent)->count_dispatch()) {
    processor_of(parent)->made_way.increment();
    yield_to_scheduler(*processor_of(parent), parent);
  }
  while (processor_of(parent)->queue.enter()) {
    processor_of(parent)->queue.leave();
    yield_to_scheduler(*processor_of(parent), parent);
  }
  processor& p = *processor_of(parent);
  p.spawned.increment();
  child.host = &p;
  p.forks.push(parent, child);
  switch_to_thread(p, parent, child, leaving(p, parent));
}

void return_to_parent(tcb& self, publish_fn publish) noexcept {
  processor& p = *processor_of(self);
  p.queue.enter();
  if (!self.attached) return p.queue.leave();
  self.attached = false;
  // Not a dispatch, and no service point: the parent comes by the next one.
  leave_for(p, self, p.forks.pop_parent(), leaving(p, self, publish, &p));
}

void leave_as_spare(carrier& c, tcb& self, publish_fn publish, void* argument) noexcept {
  set_current_task(c.self);
  arrive(switch_execution(c.kernel, self.flow, c.idle, {&self, publish, argument, nullptr}, false));
}

namespace {

// "conc-7", for top, perf and debuggers.
void name_kernel_thread(std::uint32_t index) noexcept {
  char name[16] = "conc-";  // the kernel keeps fifteen characters
  *std::to_chars(name + 5, name + sizeof name - 1, index).ptr = '\0';
  pthread_setname_np(pthread_self(), name);
}

}  // namespace

// On the kernel thread that owns it, because the kernel may let nobody else near. The object lives
// on: a waker may be about to interrupt it, and a helper to look into it. From here on no signal
// finds it (withheld.cc).
void carrier::end_io() noexcept {
  poller* const mine = io.load(memory_order_relaxed);
  if (mine == nullptr || !CONC_STEP(io_ring_ends_with_its_owner)) return;
  io.store(nullptr, memory_order_relaxed);
  former_io.reset(mine);
  mine->end_with_owner();
}

void carrier::run() noexcept {
  attach_as(*self);
  // The kernel may otherwise end a timed sleep 50 us late, to save wakes; ours are few and meant.
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  kernel = kernel_thread_state::of_this_thread();
  idle.stack.adopt_current();
  for_signals.use();
  name_kernel_thread(number);
  current.store(place_of_current_task(), memory_order_relaxed);
  // Whoever started a spare may have been pinned, and that is inherited.
  if (proc == nullptr) home.pins.let_go(pthread_self());
  if (proc != nullptr) home.adopt(*this, *proc);
  for (;;) {
    if (proc == nullptr && !home.wait_as_spare(*this)) break;
    tcb* t = home.next_thread(*this);
    if (t == nullptr) break;
    proc->runs_thread.store(true, memory_order_relaxed);
    proc->queue.enter();
    prepare_switch(*proc, idle, *t);
    before_switch(idle.stack, t->flow.stack, false);
    const departure d =
        switch_context(idle.registers, t->flow.registers, {self, nullptr, nullptr, proc});
    after_switch(idle.stack);
    // Back with a processor, this one or another, or as a spare: from leave_as_spare().
    if (d.host != nullptr) static_cast<processor*>(d.host)->queue.leave();
    if (d.publish != nullptr) d.publish(*d.from, d.argument);
  }
  end_io();
  self->host = nullptr;
  current.store(nullptr, memory_order_relaxed);
  for_signals.stop_using();
}

}  // namespace conc::detail
