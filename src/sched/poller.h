// The port through which I/O plugs into the scheduler: how a carrier waits for the outside.
//
// A carrier owns at most one poller, made on that carrier when a thread on it first does I/O
// and kept in carrier::io until that kernel thread ends. The first six members are called on the
// carrier's kernel thread only, with no lock held, from the scheduler's own stack or from a thread
// that runs on it. The carrier may be without a processor by then (lending.h); threads that become
// ready go elsewhere.
#ifndef CONC_SCHED_POLLER_H
#define CONC_SCHED_POLLER_H

#include "locks/clock.h"

namespace conc::detail {

class poller {
 public:
  virtual ~poller() = default;

  // Hands submitted operations to the kernel and makes the threads of finished ones ready, without
  // blocking. Called at the scheduler's service points and before it goes idle: then the handing
  // over is left to wait(), or to before_blocking(), so that one system call does for both.
  enum class then : bool { goes_on, may_wait };
  virtual void poll(then next) noexcept = 0;

  // Whether threads may be made ready, or operations ended, right now; a few instructions.
  virtual bool has_work() const noexcept = 0;

  // Whether operations are in flight.
  virtual bool in_use() const noexcept = 0;

  // Whether the kernel may have something to do for which the owner has to come by: then an idle
  // carrier sleeps in wait(), else on a futex. With operations in flight it always has; and it may
  // have when all have ended.
  virtual bool has_business() const noexcept { return in_use(); }

  // Sleeps in the kernel until an operation finishes, the deadline passes or interrupt() is called,
  // and then does as poll(). An interrupt() that came before the call ends it at once.
  virtual void wait(nanos deadline) noexcept = 0;

  // The carrier is about to block in a foreign call, or to spin: what has been queued has to be on
  // its way.
  virtual void before_blocking() noexcept = 0;

  // The owner's kernel thread is about to end, with nothing in flight: gives back what the kernel
  // has tied to that thread. Others who are late may go on to call what is for them, without
  // effect.
  virtual void end_with_owner() noexcept = 0;

  // Ends a wait(). Callable from any thread, and from a signal handler.
  virtual void interrupt() noexcept = 0;

  // --- for others, if the carrier does not come by (withheld.cc) --------------------------------
  // Makes the threads of finished operations ready on the calling carrier, unless the owner is here
  // or asleep in wait(), or was here after `since`. True if more has finished that only the owner's
  // kernel thread can fetch, by bring_in(). From any carrier's scheduler's stack.
  virtual bool help(nanos since) noexcept = 0;
  // Hands operations to the kernel and fetches what has finished, for help(). In a signal handler
  // on the owner's kernel thread, whatever it interrupts.
  virtual void bring_in() noexcept = 0;
};

}  // namespace conc::detail

#endif  // CONC_SCHED_POLLER_H
