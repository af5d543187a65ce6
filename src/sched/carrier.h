// A carrier: a kernel thread of the runtime's, which runs threads while it holds a processor.
#ifndef CONC_SCHED_CARRIER_H
#define CONC_SCHED_CARRIER_H

#include <pthread.h>

#include <memory>

#include "locks/random_delay.h"
#include "sched/descriptor_memo.h"
#include "sched/poller.h"
#include "sched/processor.h"
#include "sched/standstill.h"
#include "threads/alternate_stack.h"

namespace conc::detail {

struct carrier {
  // `p` is null for one that begins as a spare. Throws std::system_error, as map_stack().
  carrier(scheduler& s, processor* p, std::uint32_t n) : home(s), number(n), proc(p) {}
  ~carrier() { delete io.load(memory_order_relaxed); }
  carrier(const carrier&) = delete;
  carrier& operator=(const carrier&) = delete;

  scheduler& home;
  const std::uint32_t number;  // among its runtime's; in the name of its kernel thread
  // Null for a spare, and while a thread is in a blocking section here.
  processor* proc;
  pthread_t thread{};

  // The kernel thread as a task, made before it; current while no thread runs here.
  task* self = nullptr;
  execution idle;  // its own stack, where the scheduler's loop runs
  kernel_thread_state kernel;
  // Made by the first I/O call on this carrier, which stores it; owned. Others may interrupt it.
  // Null again when the kernel thread has ended: what is left of it serves the next one.
  atomic<poller*> io{nullptr};
  std::unique_ptr<poller> former_io;
  static constexpr nanos first_watch = 50'000;
  nanos watch_interval = first_watch;  // of its next sleep as the watch (idle.cc)
  std::uint32_t direct_calls = 0;      // I/O calls that did not have to wait (io/perform.cc)
  descriptor_memo quiet;   // where an attempt to receive has found nothing (io/perform.cc)
  descriptor_memo cached;  // what goes through the page cache (io/direct_transfers.h)
  // For completions that a carrier withholds (withheld.cc).
  atomic<bool> asked_to_bring_in{false};
  bool away_with_io = false;  // it is in a blocking section, and counted in scheduler::away_with_io
  nanos helped_last = 0;      // when it looked at the other carriers' pollers

  // As a spare (lending.h).
  atomic<std::uint32_t> bell{0};
  carrier* next_spare = nullptr;  // under the lock of the list, as is_listed
  bool is_listed = false;

  bool started = false;         // has a kernel thread that must be joined
  atomic<bool> is_over{false};  // and that thread has done all its work

  // For who looks at the process.
  alternate_stack for_signals;
  standstill stop;
  // Where this kernel thread keeps its current task; null before it has begun.
  atomic<task_head* const*> current{nullptr};

  // The kernel thread's main function: dispatches until the runtime ends.
  void run() noexcept;

 private:
  void end_io() noexcept;
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
  return p == nullptr ? nullptr : p->holder.load(memory_order_relaxed);
}

inline carrier* current_carrier() noexcept {
  const processor* p = current_processor();
  return p == nullptr ? nullptr : p->holder.load(memory_order_relaxed);
}

// Gives the carrier from `self`, which runs on `p`, to the next ready thread or to the scheduler's
// loop; returns when somebody runs `self` again, perhaps on another carrier. `publish` is called as
// soon as `self` is off its stack.
void leave_carrier(processor& p, tcb& self, publish_fn publish, void* argument) noexcept;

// The end of every switch, on the stack that was switched to: the section of the queue in which the
// leaver found us ends, and the leaver, now off its stack, is published.
[[gnu::always_inline]] inline void arrive(departure d) noexcept {
  CONC_RANDOM_DELAY();
  static_cast<processor*>(d.host)->queue.leave();
  CONC_RANDOM_DELAY();
  if (d.publish != nullptr) d.publish(*d.from, d.argument);
}

// Gives the processor to `child`, which has just been made and is nowhere queued, and puts
// `parent`, the caller, on the fork stack. Returns when the child has ended or somebody has taken
// the parent.
void run_child_first(tcb& parent, tcb& child) noexcept;
// The end of an attached child: back to its parent. Returns if `self` is not attached any more.
void return_to_parent(tcb& self, publish_fn publish) noexcept;

// At the end of a blocking section whose processor has gone: leaves `c`, which becomes a spare.
// Returns when somebody runs `self` again.
void leave_as_spare(carrier& c, tcb& self, publish_fn publish, void* argument) noexcept;

extern const task_port user_thread_port;

inline bool is_user_thread(const task& t) noexcept { return t.port == &user_thread_port; }

}  // namespace conc::detail

#endif  // CONC_SCHED_CARRIER_H
