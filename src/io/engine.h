// What a carrier waits for I/O with: an io_uring (ring.h) or an epoll set (epoll_set.h).
//
// This is the part that both have in common: operations in flight, the wishes to end one early, and
// the doorbell that ends a sleep in the kernel. An engine belongs to one carrier for life.
//
// A wish to end an operation is a deadline (cancel()) or a stop request, which arrives in the
// mailbox from anywhere; either way the operation is put on a list, which the next poll() or wait()
// sees to. A deadline expires on the carrier that holds the processor where it was armed. Most
// often that is the owner; but a processor can be lent to another (sched/lending.h), so the list
// has a lock.
#ifndef CONC_IO_ENGINE_H
#define CONC_IO_ENGINE_H

#include <memory>

#include "conc/detail/atomic.h"
#include "io/operation.h"
#include "io/quiet_descriptors.h"
#include "locks/internal_lock.h"
#include "sched/environment.h"
#include "sched/poller.h"

namespace conc::detail {

class engine : public poller {
 public:
  // On the carrier that is to own it: a ring or, if `choice` leaves it open and the kernel refuses
  // rings to us, an epoll set. Null, and an errno value in `error`, if there is none to be had.
  static std::unique_ptr<engine> make(io_choice choice, int& error) noexcept;
  ~engine() override;

  // Whether start() takes every request, or POLL_ADD only.
  virtual bool takes_all() const noexcept = 0;

  // --- for threads on the owning carrier --------------------------------------------------------
  virtual void start(operation& op) noexcept = 0;
  virtual void flush() noexcept = 0;
  quiet_descriptors quiet;

  // --- for the owner ----------------------------------------------------------------------------
  bool in_use() const noexcept override { return in_flight_ != 0; }
  void before_blocking() noexcept override { flush(); }
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

  void started() noexcept { ++in_flight_; }
  // The last access to the operation: from then on its thread may return.
  void finish(operation& op, int result) noexcept;

 private:
  void forget_cancel(operation& op) noexcept;

  std::uint32_t in_flight_ = 0;  // operations of threads
  int doorbell_ = -1;            // an eventfd
  internal_lock lock_;           // of the list, and of the fields of operations that concern it
  atomic<operation*> to_cancel_{nullptr};

  alignas(64) atomic<stop_request*> mailbox_{nullptr};
};

}  // namespace conc::detail

#endif  // CONC_IO_ENGINE_H
