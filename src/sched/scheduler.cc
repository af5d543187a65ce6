// A runtime's beginning and end.
//
// The end, in order:
//   1. The destructor sets `ending` and wakes every sleeping carrier.
//   2. Threads go on; they may still spawn (the newcomers are waited for, too).
//   3. A carrier that has nothing to run compares the counts of spawned and finished threads. The
//      carrier on which the last thread ended always gets there after that thread.
//   4. When they agree it sets `ended` and wakes the others, the spares, too; each carrier returns
//      from its loop and says so (over_).
//   5. The destructor, woken by the last of them, joins the kernel threads, waits for wakers from
//      outside that are still inside post(), and frees the rest.
#include "sched/scheduler.h"

#include <sched.h>

#include <mutex>
#include <system_error>

#include "locks/fatal.h"
#include "locks/fork.h"
#include "locks/kernel_task.h"
#include "sched/dump_signal.h"
#include "sched/environment.h"
#include "sched/gdb_layout.h"
#include "sched/overflow.h"
#include "sched/registry.h"
#include "sched/topology.h"

namespace conc::detail {

scheduler::scheduler(runtime& owner, const runtime_options& options)
    : face(owner),
      stack_size(options.stack_size),
      layout(options.queues),
      pins(options.pin_carriers),
      near_order(detail::near_order(options.processors)),
      loans(options.blocking_limit) {
  check_not_forked();
  membarrier_works();  // registers the process, before it matters
  for (std::uint32_t i = 0; i < options.processors; ++i) {
    processors.push_back(
        std::make_unique<processor>(*this, i,
                                    processor::traits{.steals = steals(),
                                                      .shares = steals() && options.processors > 1,
                                                      .diverted = layout == queue_layout::global,
                                                      .pool_stacks = stack_size == 0}));
    carriers_.push_back(std::make_unique<carrier>(*this, processors.back().get(), i));
    processors.back()->holder.store(carriers_.back().get(), memory_order_relaxed);
  }
  // Nobody reads it but debuggers: without this the linker would leave it out.
  asm volatile("" ::"r"(&layout_for_gdb()));
  report_overflows();
  dump_as_environment_says();
  enter_registry(*this);
  try {
    for (const auto& c : carriers_) start(*c);
  } catch (...) {
    end_carriers();
    throw;
  }
}

void scheduler::start(carrier& c) {
  c.self = &take_kernel_record();
  const int error = pthread_create(
      &c.thread, nullptr,
      [](void* argument) -> void* {
        carrier& self = *static_cast<carrier*>(argument);
        self.run();
        scheduler& home = self.home;
        // [is_over] release: pairs with the acquire in add_spare().
        self.is_over.store(true, memory_order_release);
        home.over_.release();  // the last access
        return nullptr;
      },
      &c);
  if (error != 0) {
    give_kernel_record(*c.self);
    throw std::system_error(error, std::generic_category(), "conc: no kernel thread for a carrier");
  }
  c.started = true;
  ++starts_;
  carriers_alive.fetch_add(1, memory_order_seq_cst);
}

void scheduler::add_spare(std::uint32_t needed) {
  const std::lock_guard guard(carriers_lock_);
  while (carriers_alive.load(memory_order_seq_cst) < needed) {
    // In the place of one that has ended, or whose kernel thread was refused, if there is one.
    carrier* c = nullptr;
    for (const auto& other : carriers_) {
      // [is_over] acquire: pairs with the release in start().
      if (other->started && !other->is_over.load(memory_order_acquire)) continue;
      if (other->started) pthread_join(other->thread, nullptr);
      other->started = false;
      other->is_over.store(false, memory_order_relaxed);
      c = other.get();
      break;
    }
    if (c == nullptr) {
      try {
        carriers_.push_back(std::make_unique<carrier>(
            *this, nullptr, static_cast<std::uint32_t>(carriers_.size())));
      } catch (const std::bad_alloc&) {
        throw std::system_error(std::make_error_code(std::errc::not_enough_memory),
                                "conc: no memory for a carrier");
      }
      c = carriers_.back().get();
    }
    start(*c);
  }
}

std::vector<carrier*> scheduler::all_carriers() {
  const std::lock_guard guard(carriers_lock_);
  std::vector<carrier*> all;
  for (const auto& c : carriers_) all.push_back(c.get());
  return all;
}

bool scheduler::send_signal(const carrier& c, int signal) noexcept {
  const std::lock_guard guard(carriers_lock_);
  return c.started && pthread_kill(c.thread, signal) == 0;
}

void scheduler::adopt(carrier& c, processor& p) noexcept {
  if (pins.wanted()) pin(c, p);
  // [processor.holder] release: pairs with the acquire in call(); who finds this carrier there
  // finds it complete.
  p.holder.store(&c, memory_order_release);
  p.kernel = c.kernel;
  c.proc = &p;
  c.self->host = &p;
}

// The CPU changes hands with the processor.
void scheduler::pin(carrier& c, processor& p) noexcept {
  if (carrier* lender = p.holder.load(memory_order_relaxed); lender != &c) {
    // It is in its section still, or is done and may even have ended; but it has not been joined
    // as long as we have the lock. To wait for that could be for ever: it may have been handed to a
    // thread that is queued at this very processor. Then the lender stays where it is for once.
    const std::unique_lock guard(carriers_lock_, std::try_to_lock);
    if (guard.owns_lock() && lender->started) pins.let_go(lender->thread);
  }
  pins.bind(pthread_self(), p.index);
}

void scheduler::end_carriers() noexcept {
  ending.store(true, memory_order_seq_cst);
  for (const auto& p : processors) call(*p, rest::awake);
  if (carriers_alive.load(memory_order_relaxed) == 0) return leave_registry(*this);
  all_threads_ended_.wait();
  // No thread is left that could ask for another carrier.
  for (std::ptrdiff_t i = 0; i < starts_; ++i) over_.acquire();
  leave_registry(*this);
  for (const auto& c : carriers_) {
    if (c->started) pthread_join(c->thread, nullptr);
  }
  // Who has woken one of the last threads from outside may still be on its way out. It is a few
  // instructions from the end, unless it has lost its CPU.
  // [visitors] acquire: pairs with the release in post().
  while (visitors.load(memory_order_acquire) != 0) sched_yield();
}

scheduler::~scheduler() {
  const task& self = current_task();
  if (self.is_thread && static_cast<const tcb&>(self).home == this) {
    fatal("a conc::runtime was destroyed by one of its own threads", &face);
  }
  end_carriers();
}

}  // namespace conc::detail
