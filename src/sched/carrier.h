// A carrier: a kernel thread of the runtime's, which runs threads while it holds a processor.
#ifndef CONC_SCHED_CARRIER_H
#define CONC_SCHED_CARRIER_H

#include <pthread.h>

#include <memory>

#include "sched/poller.h"
#include "sched/processor.h"

namespace conc::detail {

struct carrier {
  carrier(scheduler& s, processor& p) noexcept : home(s), proc(&p) {}

  scheduler& home;
  processor* proc;
  pthread_t thread{};

  task* self = nullptr;        // the kernel thread as a task; current while no thread runs here
  execution idle;              // its own stack, where the scheduler's loop runs
  std::unique_ptr<poller> io;  // made by the first I/O call on this carrier
  static constexpr nanos first_watch = 50'000;
  nanos watch_interval = first_watch;  // of its next sleep as the watch (idle.cc)
  std::uint32_t direct_calls = 0;      // I/O calls that did not have to wait (io/perform.cc)
  bool started = false;

  // The kernel thread's main function: dispatches until the runtime ends.
  void run() noexcept;
};

// The processor that a task runs on, or ran on last. Null for kernel threads that are not carriers.
// After every switch it may be another one: fetch it anew.
inline processor* processor_of(const task& t) noexcept { return static_cast<processor*>(t.host); }

inline processor* current_processor() noexcept {
  const task_head* t = current_or_null();
  return t == nullptr ? nullptr : processor_of(*static_cast<const task*>(t));
}

// The carrier that a running task runs on, or is; null for kernel threads of other origin.
inline carrier* carrier_of(const task& t) noexcept {
  const processor* p = processor_of(t);
  return p == nullptr ? nullptr : p->holder;
}

inline carrier* current_carrier() noexcept {
  const processor* p = current_processor();
  return p == nullptr ? nullptr : p->holder;
}

// Gives the carrier from `self`, which runs on `p`, to the next ready thread or to the scheduler's
// loop; returns when somebody runs `self` again, perhaps on another carrier. `publish` is called as
// soon as `self` is off its stack.
void leave_carrier(processor& p, tcb& self, publish_fn publish, void* argument) noexcept;

// The same for a thread that has ended. If nothing is ready but its joiner is parked, the carrier
// goes straight to the joiner, and `publish_to_joiner` is called instead, on its stack.
[[noreturn]] void leave_for_ever(tcb& self, publish_fn publish,
                                 publish_fn publish_to_joiner) noexcept;

// The end of every switch, on the stack that was switched to: the section of the queue in which the
// leaver found us ends, and the leaver, now off its stack, is published.
[[gnu::always_inline]] inline void arrive(departure d) noexcept {
  static_cast<processor*>(d.host)->queue.leave();
  if (d.publish != nullptr) d.publish(*d.from, d.argument);
}

extern const task_port user_thread_port;

inline bool is_user_thread(const task& t) noexcept { return t.port == &user_thread_port; }

}  // namespace conc::detail

#endif  // CONC_SCHED_CARRIER_H
