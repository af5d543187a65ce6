// A task: whatever can wait. Either a kernel thread or a user-level thread.
//
// Everything that blocks in this library blocks a task, and this file holds the port through which
// the locks do so without knowing how: how a task goes to sleep, and how it is made to run again.
// The kernel-thread side of the port is kernel_task.cc; the user-thread side lives upstairs, in
// the scheduler, which this room must not include.
//
// Tasks live in 256-byte cells of a slab that is never unmapped (task_slab.h). Whoever holds a
// stale pointer to a task can therefore still read or poke it; the worst outcome is a wake that
// nobody needed, and every wait is a loop on a condition.
#ifndef CONC_LOCKS_TASK_H
#define CONC_LOCKS_TASK_H

#include <cstddef>
#include <cstdint>

#include "conc/detail/atomic.h"
#include "conc/detail/current.h"
#include "locks/clock.h"
#include "locks/wait_kind.h"

namespace conc::detail {

struct fiber_values;
struct task;

// What the waker tells the waiter. Written before the wake, read after it.
enum class wake_token : std::uint8_t {
  notified,    // the plain wake: what you waited for may have happened
  designated,  // a mutex woke you to compete for it; nobody else was woken meanwhile
  granted,     // you were given what you waited for: the mutex, the permit
  timed_out,   // nobody gave anything before the deadline
};

// Runs exactly once, as soon as the suspended task could safely be resumed by somebody else. For a
// user-level thread that is after its registers are saved, on the next thread's stack: until then
// nobody may find it, or it would run on two processors at once.
using publish_fn = void (*)(task& self, void* argument) noexcept;

// The port. One table for kernel threads, one for user-level threads.
struct task_port {
  // Suspends the calling task. Each call is ended by exactly one resume() of it, or by the
  // deadline: then `self.withdraw` is asked to take the task off whatever it waits on. If that
  // succeeds the token is timed_out; if it fails a wake is already under way and is waited for.
  // Never called with preemption of the task off or an internal lock of the library held, except
  // a lock that `publish` releases.
  void (*suspend)(task& self, publish_fn publish, void* argument, nanos deadline);
  // Makes a suspended task run again. Callable from any task, and from none.
  void (*resume)(task& target) noexcept;
  // Lets others run for a moment; for bounded spins that have run out of budget.
  void (*yield)(task& self) noexcept;
  // In a child of fork() that may do no more (fork.h), called by the task that has forked: sees to
  // it that the task's fast paths end where somebody checks. Null if the slow ones are enough.
  void (*after_fork)(task& self) noexcept = nullptr;
};

enum class task_state : std::uint8_t {
  free,      // the cell is in the slab's or a processor's free list
  ready,     // user-level threads: in a run queue, or on a carrier as its current task; to write
             // down which of the two would cost two stores a switch
  running,   // kernel threads that are not blocked in the library
  blocked,   // suspended
  finished,  // ran to its end, not joined yet
};

// Access rules: `id` and `port` are set when the cell is taken and constant until it is freed.
// `state` is written by whoever causes the transition, read by dumps at any time. The wait fields
// belong to the parking table and are guarded by the lock of the bucket of `wait_address`;
// `wait_address` itself is also read without that lock, by whoever wants to find the lock. `permit`
// is the kernel threads' alone. What dumps look at besides (`waits_for`, `waits_since`) means
// something while the task is blocked, and is written by nobody but the waiter, or by whoever moves
// it from one queue to another.
struct task : task_head {
  atomic<task_state> state{task_state::free};
  wake_token token = wake_token::notified;
  atomic<bool> queued{false};  // in the parking table
  bool is_thread = false;      // a user-level thread, even while it waits like a kernel thread

  const task_port* port = nullptr;
  // The scheduler's business: the carrier that this task runs on, or is; null for other threads.
  void* host = nullptr;

  task* next_waiter = nullptr;  // same address, woken later
  task* prev_waiter = nullptr;  // same address, woken earlier
  task* last_waiter = nullptr;  // of a queue's first waiter only
  task* next_queue = nullptr;   // of a queue's first waiter only: the bucket's next address
  atomic<const void*> wait_address{nullptr};
  void* wait_context = nullptr;  // for the waker; a condition variable's waiters: their mutex
  // Asked, under the bucket lock, whether a waiter whose deadline has passed may leave; may adjust
  // the object's word for it. `last` says that the queue would be empty afterwards.
  bool (*on_timeout)(task& self, const void* address, bool last) noexcept = nullptr;

  // Takes the task off what it waits on, if `epoch` is still the wait that was meant.
  bool (*withdraw)(task& self, std::uint32_t epoch) noexcept = nullptr;
  // Counts the waits of this task, so that a timer left over from one wait cannot end another.
  atomic<std::uint32_t> wait_epoch{0};

  atomic<std::uint32_t> permit{0};
  // How often the cell has been taken: with the id it names one task for ever.
  std::uint32_t generation = 0;
  // When the last wait began, in coarse_ticks(). The moment may be too early, never too late.
  atomic<std::uint32_t> waits_since{0};
  fiber_values* fiber_locals = nullptr;  // owned (fiber_values.h)
  atomic<wait_kind> waits_for{wait_kind::object};
};

// The running task, attaching a kernel thread at its first call.
inline task& current_task() noexcept { return static_cast<task&>(current_head()); }

// Writes the library's one thread_local; assembly for the reasons given in current.h.
inline void set_current_task(task* self) noexcept {
#if defined(__x86_64__)
  void* offset;
  asm volatile(
      "movq conc_current_task_v0@gottpoff(%%rip), %0\n\t"
      "movq %1, %%fs:(%0)"
      : "=&r"(offset)
      : "r"(self)
      : "memory");
#else
  void* base;
  asm volatile(
      "mrs %0, tpidr_el0\n\t"
      "adrp x16, :gottprel:conc_current_task_v0\n\t"
      "ldr x16, [x16, #:gottprel_lo12:conc_current_task_v0]\n\t"
      "str %1, [%0, x16]"
      : "=&r"(base)
      : "r"(self)
      : "memory", "x16");
#endif
}

inline void suspend(task& self, publish_fn publish, void* argument, nanos deadline = no_deadline) {
  self.port->suspend(self, publish, argument, deadline);
}

inline void resume(task& target) noexcept { target.port->resume(target); }

}  // namespace conc::detail

#endif  // CONC_LOCKS_TASK_H
