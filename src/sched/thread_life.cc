#include "sched/thread_life.h"

#include <cstring>
#include <memory>
#include <new>
#include <system_error>

#include "locks/fiber_values.h"
#include "locks/fork.h"
#include "locks/random_delay.h"
#include "sched/scheduler.h"
#include "sched/stop_section.h"
#include "sched/switching.h"
#include "threads/join.h"

namespace conc::detail {
namespace {

[[noreturn]] void refuse_memory(const char* for_what) {
  // What std::thread throws when the system lacks the resources, whichever they are.
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                          for_what);
}

stack_memory own_stack(const tcb& t) noexcept {
  return {t.stack_base, t.stack_pages * page_size, t.guard_is_mapping};
}

void drop_stack(tcb& t, thread_cache& cache) noexcept {
  t.flow.stack.end();
  if (t.stack_pages == 0) {
    cache.give_stack(t.stack_base);
  } else {
    unmap_stack(own_stack(t));
    t.stack_pages = 0;
  }
  t.stack_base = nullptr;
  t.flow.caught = execution::unborn;
}

// Last in line, unlike other wakes: who joins one thread often joins its siblings next, and finds
// them ended if they came first.
void resume_joiner([[maybe_unused]] processor& p, task& joiner) noexcept {
#if !defined(CONC_FORCE_MIGRATE)
  if (is_user_thread(joiner) && p.home.steals()) [[likely]] {
    tcb& t = static_cast<tcb&>(joiner);
    if (t.home == &p.home) [[likely]] {
      t.state.store(task_state::ready, memory_order_relaxed);
      p.wakes.increment();
      if (t.host != &p) [[unlikely]]
        p.migrations.increment();
      p.make_ready_last(t);
      return p.home.work_appeared(p);
    }
  }
#endif
  resume(joiner);
}

// The thread is off its stack for ever: what it leaves goes back, and who waits for it goes on. The
// argument of this and the next two is the processor, which is the same on both sides of the
// switch.
void publish_end(task& from, void* host) noexcept {
  tcb& t = static_cast<tcb&>(from);
  processor& p = *static_cast<processor*>(host);
  drop_stack(t, p.cache);
  CONC_RANDOM_DELAY();
  t.state.store(task_state::finished, memory_order_relaxed);
  bool free_block = false;
  task* joiner = announce_end(t, free_block);
  if (free_block) recycle(t);
  CONC_RANDOM_DELAY();
  p.finished.increment_release();
  if (joiner != nullptr) resume_joiner(p, *joiner);
}

// The same on the joiner's own stack, which the thread has switched to as its last act.
void publish_end_to_joiner(task& from, void* host) noexcept {
  tcb& t = static_cast<tcb&>(from);
  processor& p = *static_cast<processor*>(host);
  drop_stack(t, p.cache);
  t.state.store(task_state::finished, memory_order_relaxed);
  announce_end_here(t);
  p.finished.increment_release();
}

// The same on the parent's stack, for a child that has never been separated from it: nobody waits.
void publish_childs_end(task& from, void* host) noexcept {
  tcb& t = static_cast<tcb&>(from);
  processor& p = *static_cast<processor*>(host);
  drop_stack(t, p.cache);
  t.state.store(task_state::free, memory_order_relaxed);
  p.cache.give_tcb(t);
  p.finished.increment_release();
}

// Leaves the processor for good: to the next ready thread; or, if nothing is ready but the joiner
// is parked, straight to that one.
[[noreturn, gnu::always_inline]] inline void leave_for_ever(tcb& self) noexcept {
  processor& p = *processor_of(self);
  CONC_RANDOM_DELAY();
  if (p.count_dispatch()) [[unlikely]] {
    p.queue.enter();
  } else if (!p.queue.enter()) [[likely]] {
    tcb* next = p.take_in_section();
    publish_fn publish = publish_end;
    if (next == nullptr) {
      task* j = parked_joiner(self);
      if (j != nullptr && is_user_thread(*j) && static_cast<tcb*>(j)->home == &p.home) {
        next = static_cast<tcb*>(j);
        next->host = &p;
        next->state.store(task_state::ready, memory_order_relaxed);
        p.wakes.increment();
        publish = publish_end_to_joiner;
      }
    }
    if (next != nullptr) leave_for(p, self, *next, leaving(p, self, publish, &p));
  }
  switch_to_idle(p, self, publish_end, &p, true);
  __builtin_unreachable();
}

[[noreturn]] void thread_main(task* from, publish_fn publish, void* argument, void* host) noexcept {
  tcb& self = static_cast<tcb&>(*static_cast<task*>(current_or_null()));
  after_switch(self.flow.stack);
  arrive({from, publish, argument, host});
  self.run(self.closure);
  end_fiber_values(self);
  if (const std::uintptr_t j = self.join.load(memory_order_relaxed); group_link::is_in(j)) {
    return_to_parent(self, publish_childs_end);
    self.join.store(tcb::join_detached, memory_order_relaxed);
    group_link::done(group_link::from(j));
  }
  // The name first: its memory is the program's.
  if (self.name != nullptr) delete[] std::exchange(self.name, nullptr);
  leave_for_ever(self);
}

// Spreads the tops of the stacks over the sets of the first-level cache: sixteen lines a page.
std::size_t colour(const tcb& t) noexcept { return t.id % 16 * 64; }

// Asks anew where it runs: between two calls of the program's own (operator new) it may migrate.
tcb& take_block() {
  processor* p = current_processor();
  return p != nullptr ? p->cache.take_tcb() : take_tcb_from_pool();
}

// A block with a name, or a stack of its own size.
tcb& make_with_options(const scheduler& home, const thread_options* options) {
  std::size_t size = home.stack_size;
  std::unique_ptr<char[]> name;
  if (options != nullptr) {
    if (options->stack_size != 0) size = checked_stack_size(options->stack_size);
    if (!options->name.empty()) {
      const std::size_t with_end = options->name.size() + 1;
      name.reset(new (std::nothrow) char[with_end]);
      if (name == nullptr) refuse_memory("conc: no memory for a thread's name");
      std::memcpy(name.get(), options->name.c_str(), with_end);
    }
  }
  if (size == 0 || size == default_stack_size) {
    tcb& t = take_block();
    t.name = name.release();
    return t;
  }
  const stack_memory own = map_stack(size);
  try {
    tcb& t = take_block();
    t.name = name.release();
    t.stack_base = own.base;
    t.flow.caught = 0;
    t.stack_pages = static_cast<std::uint32_t>(own.size / page_size);
    t.guard_is_mapping = own.guard_is_mapping;
    t.flow.stack.begin(own.lowest_usable(), own.usable_size());
    t.flow.registers = make_context(own.top(), thread_main);
    return t;
  } catch (...) {
    unmap_stack(own);
    throw;
  }
}

}  // namespace

void attach_stack(tcb& t, processor& p) noexcept {
  // Rarely enters the kernel, with thieves waiting outside, who will give up. To step out for it is
  // not possible: a yielding thread is queued already and not yet off its stack.
  t.stack_base = p.cache.take_stack();
  t.flow.caught = 0;
  std::byte* top = t.stack_base + default_stack_size - colour(t);
  t.flow.stack.begin(t.stack_base + guard_size, default_stack_size - guard_size);
  t.flow.registers = make_context(top, thread_main);
}

void recycle(tcb& t) noexcept {
  t.state.store(task_state::free, memory_order_relaxed);
  if (processor* p = current_processor(); p != nullptr) {
    p->cache.give_tcb(t);
  } else {
    give_tcb_to_pool(t);
  }
}

namespace {

void prepare(tcb& t, scheduler& home) noexcept {
  t.port = &user_thread_port;
  t.home = &home;
  ++t.generation;
  t.join.store(tcb::join_none, memory_order_relaxed);
  // The first dispatch begins with a clean errno; no exception is in flight when a thread ends.
  t.flow.error_number = 0;
}

[[gnu::noinline]] tcb& make_slowly(scheduler* on, const thread_options* options) {
  processor* p = current_processor();
  scheduler& home = on != nullptr ? *on : p != nullptr ? p->home : current_scheduler();
  const bool plain = options == nullptr && home.stack_size == 0;
  tcb& t = plain ? take_block() : make_with_options(home, options);
  prepare(t, home);
  return t;
}

}  // namespace

[[gnu::hot]] thread_maker::thread_maker(scheduler* on, const thread_options* options) {
  processor* p = current_processor();
  if (on == nullptr && options == nullptr && p != nullptr && p->home.stack_size == 0 &&
      p->cache.has_tcb()) [[likely]] {
    made_ = &p->cache.take_tcb();
    prepare(*made_, p->home);
  } else {
    made_ = &make_slowly(on, options);
  }
  storage_ = made_->closure;
}

void thread_maker::abandon() noexcept {
  delete[] std::exchange(made_->name, nullptr);
  if (made_->stack_base != nullptr) {
    made_->flow.stack.end();
    unmap_stack(own_stack(*made_));
    made_->stack_base = nullptr;
    made_->flow.caught = execution::unborn;
    made_->stack_pages = 0;
  }
  recycle(*made_);
}

namespace {

// A newborn thread, on a processor whose layout steals. First in line if nobody is: then the
// parent, when it waits, switches straight to it. Else in order of birth.
[[gnu::always_inline]] inline void make_newborn_ready(processor& p, tcb& t) noexcept {
  p.spawned.increment();
  if (!p.queue.is_empty() || !p.fill_next(t)) p.make_ready_last(t);
  if (p.shares) p.home.work_appeared(p);
}

[[gnu::noinline]] tcb* make_small_thread_slowly(void (*run)(void*) noexcept, void* closure) {
  thread_maker maker(nullptr, nullptr);
  std::memcpy(maker.storage(), closure, thread_maker::room);
  return maker.launch(run);
}

}  // namespace

[[gnu::hot]] tcb* make_small_thread(void (*run)(void*) noexcept, void* closure) {
  processor* const p = current_processor();
  if (p == nullptr || !p->spawns_plainly || !p->cache.has_tcb()) [[unlikely]]
    return make_small_thread_slowly(run, closure);
  tcb& t = p->cache.take_tcb();
  std::memcpy(t.closure, closure, sizeof t.closure);
  prepare(t, p->home);
  t.run = run;
  t.state.store(task_state::ready, memory_order_relaxed);
  make_newborn_ready(*p, t);
  return &t;
}

tcb* thread_maker::launch(void (*run)(void*) noexcept) noexcept {
  tcb& t = *std::exchange(made_, nullptr);
  t.run = run;
  t.state.store(task_state::ready, memory_order_relaxed);
  processor* here = current_processor();
  if (here != nullptr && &here->home == t.home) {
    if (here->keeps_ready) [[likely]] {
      make_newborn_ready(*here, t);
    } else {
      here->spawned.increment();
      here->home.place_newborn(t);
    }
  } else {
    check_not_forked();
    // Counted before it can be found, so that it cannot end uncounted.
    t.home->spawned_outside.fetch_add(1, memory_order_relaxed);
    if (!t.home->steals()) {
      t.home->place_newborn(t);
    } else {
      t.host = t.home->processors[t.id % t.home->processors.size()].get();
      t.home->post(t);
    }
  }
  return &t;
}

void thread_maker::launch_in(task_group& group, void (*run)(void*) noexcept) noexcept {
  processor* here = current_processor();
  task& parent = current_task();
#if defined(CONC_FORCE_MIGRATE)
  constexpr bool may_go_first = false;
#else
  constexpr bool may_go_first = true;
#endif
  tcb& child = *made_;
  child.join.store(group_link::to(group), memory_order_relaxed);
  if (may_go_first && here != nullptr && here->home.steals() && parent.is_thread &&
      &here->home == child.home) [[likely]] {
    child.run = run;
    child.state.store(task_state::ready, memory_order_relaxed);
    // An idle processor may want the parent, if nobody is there to find it.
    if (here->shares && !here->home.is_watched()) [[unlikely]]
      here->home.work_appeared(*here);
    made_ = nullptr;
    return run_child_first(static_cast<tcb&>(parent), child);
  }
  group_link::count(group);
  launch(run);
}

void refuse_closure() { refuse_memory("conc: no memory for a thread's function and arguments"); }
static_assert(thread_maker::room == tcb::closure_size);

}  // namespace conc::detail

namespace conc {

using namespace detail;

namespace {

[[noreturn, gnu::cold, gnu::noinline]] void refuse_join(std::errc why) {
  throw std::system_error(std::make_error_code(why), "thread::join");
}

// Where the joiner of `t` arrives. Mostly from `t` itself, whose end finds us at once: then what
// publish_end_to_joiner() would do is done here, with the processor at hand, and all that is left
// of `t` is recycled. Else others have ended the wait, and the block is still to be recycled.
[[gnu::always_inline]] inline void arrive_from_joined(tcb& t, departure d) noexcept {
  if (d.publish != publish_end_to_joiner) [[unlikely]] {
    arrive(d);
    return recycle(t);
  }
  processor& p = *static_cast<processor*>(d.host);
  p.queue.leave();
  drop_stack(t, p.cache);
  t.state.store(task_state::free, memory_order_relaxed);
  p.cache.give_tcb(t);
  p.finished.increment_release();
}

// A thread that is joined soon after it was made is next in line here. Then its joiner goes
// straight to it, and needs no publication: until `t` runs, nobody else can touch either of them.
[[gnu::always_inline]] inline bool joined_next_in_line(tcb& self, tcb& t) noexcept {
  check_may_suspend(self);
  processor& p = *processor_of(self);
  if (p.next.load(memory_order_relaxed) != &t) return false;
  // What is not the rule is left to the one who can deal with everything.
  if (p.until_checkpoint.read() == 1) return false;
  if (p.queue.enter() || !p.forks.is_empty() || !p.take_next_if(t)) [[unlikely]] {
    p.queue.leave();
    return false;
  }
  p.until_checkpoint.decrement();
  p.parks.increment();
  self.state.store(task_state::blocked, memory_order_relaxed);
  self.wait_address.store(&t, memory_order_relaxed);
  self.waits_for.store(wait_kind::join, memory_order_relaxed);
  self.waits_since.store(p.coarse_time, memory_order_relaxed);
  announce_joiner(t, self);
  // Mostly it has never run. Asked here, so that the switch finds nothing special about it.
  if (t.flow.caught == execution::unborn) attach_stack(t, p);
  const departure d = switch_away(p, self, t, leaving(p, self));
  arrive_from_joined(t, d);
  return true;
}

}  // namespace

void thread::join() {
  if (made_ == nullptr) refuse_join(std::errc::invalid_argument);
  task& self = current_task();
  if (made_ == &self) refuse_join(std::errc::resource_deadlock_would_occur);
  tcb& t = *std::exchange(made_, nullptr);
  if (is_user_thread(self) && joined_next_in_line(static_cast<tcb&>(self), t)) return;
  await_end(t);
  recycle(t);
}

}  // namespace conc
