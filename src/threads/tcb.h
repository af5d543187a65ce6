// The control block of a user-level thread: a task that brings its own stack.
//
// State diagram (task::state):
//
//   free --create--> ready --suspend--> blocked --resume--> ready
//                      |
//                      +--return from the closure--> finished --join--> free
//                                                            (detached: at once)
//
// A running thread is `ready`, and the current task of a carrier (carrier::current).
//
// Who may touch what: between dispatch and the switch away the thread itself and its carrier; from
// the publication of a suspension to the resume() that ends it, the waker alone; in a run queue,
// the holder of that queue. `join` is anybody's. Hand-overs between these are ordered by the queue
// or the lock through which the thread was found.
//
// Layout: two lines for what a switch touches (the beginning of the task, and `flow` to `home`),
// one for waiting, one for birth and end.
#ifndef CONC_THREADS_TCB_H
#define CONC_THREADS_TCB_H

#include "locks/task.h"
#include "locks/task_slab.h"
#include "threads/execution.h"
#include "threads/stack.h"

namespace conc::detail {

struct carrier;
struct scheduler;

// A timer of the scheduler's: sched/timers.h. Packed, or the control block would not fit its cell.
struct [[gnu::packed, gnu::aligned(2)]] timer_node {
  static constexpr std::uint32_t not_armed = ~0u, linked = not_armed - 1;
  std::uint32_t heap_index = not_armed;  // under the lock of the heap it is in: deadline_heap.h
  std::uint16_t heap_owner = 0;          // the processor whose heap that is
};

struct tcb : task {
  tcb() noexcept {
    is_thread = true;
    flow.caught = execution::unborn;
  }

  timer_node timer;

  alignas(64) execution flow;
  // In a run queue or an inbox: the next one. In a blocking section, which is neither: the carrier
  // that the thread keeps.
  union {
    tcb* next_ready = nullptr;
    carrier* aboard;
  };
  std::byte* stack_base = nullptr;  // null until the first dispatch, while `flow` is unborn
  scheduler* home = nullptr;        // the runtime that it belongs to

  // Joining: one of the constants below, the address of the task that waits for the end, or the
  // group that is told of the end (sched/fork_stack.h).
  atomic<std::uintptr_t> join{join_none};
  // What it runs: `run` calls and destroys the closure in `closure` (or the one it points to).
  static constexpr std::size_t closure_size = 32;
  void (*run)(void* closure) noexcept = nullptr;
  alignas(16) std::byte closure[closure_size];
  char* name = nullptr;            // owned; a plain string, so that debuggers can read it
  bool attached = false;           // runs on top of its parent (sched/fork_stack.h)
  std::uint8_t stop_sections = 0;  // open ones (sched/stop_section.h)
  bool guard_is_mapping = false;   // of a stack of its own size
  std::uint32_t stack_pages = 0;   // of a stack of its own size; 0: a pool stack

  static constexpr std::uintptr_t join_none = 0, join_detached = 1, join_done = 2;
};

// Not a standard-layout type; the compilers that we know place its members all the same.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
inline constexpr std::size_t registers_in_tcb =
    offsetof(tcb, flow) + offsetof(execution, registers);
#pragma GCC diagnostic pop

}  // namespace conc::detail

#endif  // CONC_THREADS_TCB_H
