// An operation in flight on an engine: the record that the kernel's answer finds its way back to.
//
// It lives on the stack of the thread that waits for it, and the kernel knows it by its address.
// Both are sound for one reason only: the thread is not resumed before the operation's own
// completion has been reaped, whatever deadlines and stop requests do meanwhile. They merely ask
// the kernel to hurry; its answer to *that* proves nothing. So while the address is known to the
// kernel it means this operation, and the buffer that the kernel may write to exists.
//
// The completion is reaped from the scheduler's own stack. If that is the stack of the carrier that
// owns the engine, the thread has left that carrier since it filled its submission entry, or the
// scheduler's stack would not run: so it is off its own stack and may be resumed (task.h,
// publish_fn). Another carrier, which helps one that does not come by, asks first (engine.h).
//
// Who touches what: everything here belongs to whoever finishes operations (engine.h), save that
// the thread itself writes before the suspension and reads after it (the scheduler's queues order
// the two), and that a deadline may expire on another carrier: `done`, `why`, `to_cancel`, the list
// of operations to cancel and stop_request::target are under the engine's lock.
#ifndef CONC_IO_OPERATION_H
#define CONC_IO_OPERATION_H

#include "io/request.h"
#include "locks/task.h"
#include "sched/timers.h"

namespace conc::detail {

class engine;
struct stop_request;

enum class gave_up : std::uint8_t { no, at_deadline, on_request };

struct operation {
  // `must_wait`: the caller has reason to believe that the request cannot be carried out at once.
  operation(engine& on, task& who, const request& r, bool must_wait) noexcept
      : home(on), waiter(who), what(r), expects_wait(must_wait) {
    timer.owner = this;
    timer.expired = deadline_passed;
  }
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  engine& home;
  task& waiter;
  const request& what;
  const bool expects_wait;
  int result = 0;
  bool done = false;          // the completion has been reaped
  gave_up why = gave_up::no;  // set once: the first reason counts
  bool to_cancel = false;     // in the engine's list of operations to cancel
  operation* next_to_cancel = nullptr;
  // In an epoll set, under its lock: the next in the table, or in the list of those whose
  // descriptor somebody closes; and whether it is in that list.
  operation* next_on_descriptor = nullptr;
  bool closed = false;
  stop_request* stop = nullptr;  // how a stop token reaches us

  // Expires on whatever carrier holds the processor by then.
  struct deadline_timer : callback_timer {
    operation* owner = nullptr;
  };
  deadline_timer timer;

 private:
  static void deadline_passed(callback_timer& t) noexcept;
};

// A stop request on its way to the engine's carrier. The callback of a stop token runs on any
// kernel thread, while the operation may be finishing; so the callback never looks at the
// operation. It posts this record, and the carrier finds the operation in `target` or, if it has
// finished, null.
//
// On the heap, because the record can be in the engine's mailbox when the waiting thread has
// already returned. Owned by the thread and, once it is posted, by the mailbox too.
struct stop_request {
  stop_request(engine& to, operation& op) noexcept : home(to), target(&op) {}

  engine& home;
  operation* target;
  stop_request* next = nullptr;

  void own() noexcept { owners_.fetch_add(1, memory_order_relaxed); }
  void disown() noexcept {
    // [io.stop_owners] acq_rel: the last owner frees what all the others have done with.
    if (owners_.fetch_sub(1, memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~stop_request() = default;

  atomic<unsigned> owners_{1};  // [io.stop_owners]
};

}  // namespace conc::detail

#endif  // CONC_IO_OPERATION_H
