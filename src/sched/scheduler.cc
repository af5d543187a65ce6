// A runtime's beginning and end.
//
// The end, in order:
//   1. The destructor sets `ending` and wakes every sleeping carrier.
//   2. Threads go on; they may still spawn (the newcomers are waited for, too).
//   3. A carrier that has nothing to run compares the counts of spawned and finished threads. The
//      carrier on which the last thread ended always gets there after that thread.
//   4. When they agree it sets `ended` and wakes the others; each carrier returns from its loop and
//      says so (carriers_left).
//   5. The destructor, woken by the last of them, joins the kernel threads, waits for wakers from
//      outside that are still inside post(), and frees the rest.
#include "sched/scheduler.h"

#include <sched.h>

#include <system_error>

#include "locks/fatal.h"
#include "sched/environment.h"
#include "sched/topology.h"

namespace conc::detail {

scheduler::scheduler(runtime& owner, const runtime_options& options)
    : face(owner),
      stack_size(options.stack_size),
      steal_order(detail::steal_order(options.processors)),
      carriers_left(options.processors) {
  membarrier_works();  // registers the process, before it matters
  for (std::uint32_t i = 0; i < options.processors; ++i) {
    processors.push_back(std::make_unique<processor>(*this, i, options.processors == 1));
    carriers.push_back(std::make_unique<carrier>(*this, *processors.back()));
    processors.back()->holder = carriers.back().get();
  }
  start_carriers();
}

void scheduler::start_carriers() {
  for (const auto& owned : carriers) {
    carrier& c = *owned;
    const int error = pthread_create(
        &c.thread, nullptr,
        [](void* argument) -> void* {
          carrier& self = *static_cast<carrier*>(argument);
          self.run();
          self.home.carriers_left.count_down();
          return nullptr;
        },
        &c);
    if (error == 0) {
      c.started = true;
      continue;
    }
    carriers_left.count_down(static_cast<std::ptrdiff_t>(carriers.size() - c.proc->index));
    end_carriers();
    throw std::system_error(error, std::generic_category(), "conc: no kernel thread for a runtime");
  }
}

void scheduler::end_carriers() noexcept {
  ending.store(true, memory_order_seq_cst);
  for (const auto& p : processors) call(*p, rest::awake);
  carriers_left.wait();
  for (const auto& c : carriers) {
    if (c->started) pthread_join(c->thread, nullptr);
  }
  // Who has woken one of the last threads from outside may still be on its way out. It is a few
  // instructions from the end, unless it has lost its CPU.
  // [visitors] acquire: pairs with the release in post().
  while (visitors.load(memory_order_acquire) != 0) sched_yield();
}

scheduler::~scheduler() {
  if (const carrier* c = current_carrier(); c != nullptr && &c->home == this) {
    fatal("a conc::runtime was destroyed by one of its own threads", &face);
  }
  end_carriers();
}

}  // namespace conc::detail
