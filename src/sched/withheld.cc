// Completions that a carrier withholds from the threads that wait for them.
//
// Operations finish in the engine of the carrier on which they were begun (poller.h). A carrier
// comes to its engine at its service points and when it has nothing to run; but not while its
// thread computes, sits in a system call of its own, or is in a long blocking section. Then others
// help, as they do with its timers (steal.cc): the watch, or at their service points, if nobody is
// idle, carriers that have some. They finish the operations in the carrier's place. Where the
// kernel delivers completions only to the kernel thread that owns the engine, as it does with the
// rings that we prefer (docs/decisions/0001-ring-per-carrier.md), that thread is sent a signal
// first, in whose handler it fetches them, and hands operations over that were waiting for company.
//
//   Bound: while another carrier of the runtime is idle, a completion is seen within a millisecond
//   of its coming, plus what the kernel takes to wake the watch and to deliver a signal.
//
// The signal costs: system calls that the kernel does not restart, in code that is not ours, end
// with EINTR. So nobody is signalled who has been at his engine just now, or sleeps in it, or has
// nothing to fetch, and one to whom it did no good ever more rarely (ring::help).
//
// The price of blocking sections is a tick: as long as one lasts whose carrier has operations in
// flight, or has ever begun one that a worker of the kernel's may have carried out (ring.h), one
// sleeper wakes now and then to look.
#include <pthread.h>

#include <mutex>

#include "locks/mutants.h"
#include "sched/carrier_signal.h"
#include "sched/scheduler.h"

namespace conc::detail {
namespace {

// Who was at his engine less than this ago will be there again by himself; six service intervals.
constexpr nanos patience = 6 * processor::service_interval;

}  // namespace

bool bring_in_if_asked(carrier& c) noexcept {
  if (!c.asked_to_bring_in.exchange(false, memory_order_relaxed)) return false;
  if (poller* io = c.io.load(memory_order_relaxed); io != nullptr) io->bring_in();
  return true;
}

void scheduler::fetch_withheld(carrier& helper, nanos time) noexcept {
  helper.helped_last = time;
  // Where threads do not move between processors nobody else may run them.
  if (!steals() || !carriers_lock_.try_lock()) return;
  const std::lock_guard guard(carriers_lock_, std::adopt_lock);
  for (const auto& c : carriers_) {
    // [carrier.io] acquire: pairs with the release of whoever made it.
    poller* io = c.get() != &helper ? c->io.load(memory_order_acquire) : nullptr;
    if (io == nullptr || !io->help(time - patience)) continue;
    if (!signals_arrive || !c->started || !handle_carrier_signal() || !CONC_STEP(io_call_the_owner))
      continue;
    c->asked_to_bring_in.store(true, memory_order_relaxed);
    pthread_kill(c->thread, carrier_signal);
    helper.watch_interval = carrier::first_watch;  // to see what has come of it
  }
}

}  // namespace conc::detail
