// What a carrier waits for I/O with: an io_uring (ring.h) or an epoll set (epoll_set.h).
//
// This is the part that both have in common: operations in flight, the wishes to end one early, and
// the doorbell that ends a sleep in the kernel. An engine belongs to one carrier for life. A
// carrier may have several kernel threads, one after the other; what the kernel ties to one of them
// ends with it (end_with_owner()), and the rest is there for those who come late with a wish or for
// the bell.
//
// A wish to end an operation is a deadline (cancel()) or a stop request, which arrives in the
// mailbox from anywhere; either way the operation is put on a list, which the next poll() or wait()
// sees to. A deadline expires on the carrier that holds the processor where it was armed. Most
// often that is the owner; but a processor can be lent to another (sched/lending.h), so the list
// has a lock.
//
// If the owner does not come by because its thread computes, or sits in a system call, another
// carrier finishes operations in its place (help()). One finishes at a time: `finishing_` is held
// by who does, and by the owner also while it sleeps in the engine. The helper must leave alone a
// thread that has begun its operation, but is still on its way off its stack:
//
//   a thread that waits                         a helper, with `finishing_`
//   1. leaving = itself                         1. finds the operation's completion
//   2. start()                                  2. leaving is its thread? leaves it alone
//   3. saves its registers, switches
//   4. on the next one's stack: leaving = null
//
// There is one at a time. The completion comes after 2, by way of the kernel; so if 2 on the right
// reads something else, then 4 has come before.
#ifndef CONC_IO_ENGINE_H
#define CONC_IO_ENGINE_H

#include <memory>

#include "conc/detail/atomic.h"
#include "io/operation.h"
#include "locks/internal_lock.h"
#include "sched/counter.h"
#include "sched/environment.h"
#include "sched/poller.h"

namespace conc::detail {

struct carrier;

class engine : public poller {
 public:
  // On the carrier that is to own it: a ring or, if `choice` leaves it open and the kernel refuses
  // rings to us, an epoll set. Null, and an errno value in `error`, if there is none to be had.
  static std::unique_ptr<engine> make(io_choice choice, int& error) noexcept;
  // The one of the carrier that calls, whose first call makes it; null as above. Where a kernel
  // thread of this carrier has ended before, its successor has the object from it.
  static engine* of(carrier& c, int& error) noexcept;
  ~engine() override;

  // Whether start() takes every request, or POLL_ADD only.
  virtual bool takes_all() const noexcept = 0;

  // --- for threads on the owning carrier --------------------------------------------------------
  // A thread that starts an operation says before that it is about to leave; has_left() is the
  // `publish` of its suspension, with the engine as its argument.
  void is_leaving(const task& t) noexcept {
    // [engine.leaving] release: pairs with the acquire in may_finish(), for the thread before.
    leaving_.store(&t, memory_order_release);
  }
  static void has_left(task&, void* from) noexcept {
    // [engine.leaving] release: pairs with the acquire in may_finish(); the helper sees registers.
    static_cast<engine*>(from)->leaving_.store(nullptr, memory_order_release);
  }
  virtual void start(operation& op) noexcept = 0;
  virtual void flush() noexcept = 0;

  // --- for the owner ----------------------------------------------------------------------------
  // How many operations threads have begun here, ever.
  std::uint64_t operations_begun() const noexcept { return started_.read(); }
  std::uint64_t operations_in_flight() const noexcept { return started_.read() - finished_.read(); }
  bool in_use() const noexcept override { return started_.read() != finished_.read(); }
  void before_blocking() noexcept override { flush(); }
  void end_with_owner() noexcept final;
  // Whether the calling kernel thread is the owner.
  bool is_mine() const noexcept;

  // --- for anybody ------------------------------------------------------------------------------
  void interrupt() noexcept override;
  // Takes one share of `r` over from the caller, who must still own another: until interrupt() has
  // returned nothing else keeps the engine alive.
  void post(stop_request& r) noexcept;
  // Has `op` end soon; it must not be destroyed meanwhile. Locks nothing but the list.
  void cancel(operation& op, gave_up why) noexcept;

 protected:
  engine() noexcept = default;

  // Returns an errno value, or 0.
  int make_doorbell() noexcept;
  void silence_doorbell() noexcept;
  int doorbell() const noexcept { return doorbell_; }

  bool has_wishes() const noexcept {
    return to_cancel_.load(memory_order_relaxed) != nullptr ||
           mailbox_.load(memory_order_relaxed) != nullptr;
  }
  void empty_mailbox() noexcept;
  bool has_cancels() const noexcept { return to_cancel_.load(memory_order_relaxed) != nullptr; }
  // Takes one off the list; null if there is none.
  operation* next_to_cancel() noexcept;

  void started() noexcept { started_.increment(); }
  // Under `finishing_`. The last access to the operation: from then on its thread may return.
  void finish(operation& op, int result) noexcept;
  // Whether its thread is off its stack, and may be resumed by others than the owner.
  bool may_finish(const operation& op) const noexcept {
    // [engine.leaving] acquire: pairs with the releases in is_leaving() and has_left().
    return leaving_.load(memory_order_acquire) != &op.waiter;
  }

  // Under `finishing_`, on the owner's kernel thread: gives back what the kernel has tied to that
  // thread, and gets it for another one. The latter returns an errno value, or 0.
  virtual void close() noexcept = 0;
  virtual int reopen() noexcept = 0;

  internal_lock finishing_;
  // The owner was here.
  void note_visit() noexcept { last_visit_.store(now(), memory_order_relaxed); }
  bool was_here_after(nanos time) const noexcept {
    return last_visit_.load(memory_order_relaxed) > time;
  }

 private:
  void forget_cancel(operation& op) noexcept;
  void cancel_locked(operation& op, gave_up why) noexcept;

  counter started_;   // operations of threads: the owner's
  counter finished_;  // under finishing_
  atomic<const task*> leaving_{nullptr};
  atomic<nanos> last_visit_{0};
  int doorbell_ = -1;   // an eventfd
  internal_lock lock_;  // of the list, and of the fields of operations that concern it
  atomic<operation*> to_cancel_{nullptr};

  alignas(64) atomic<stop_request*> mailbox_{nullptr};
};

}  // namespace conc::detail

#endif  // CONC_IO_ENGINE_H
