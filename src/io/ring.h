// An io_uring, owned by one carrier for life: how user-level threads do I/O.
//
// Why a ring per carrier, and why these flags: docs/decisions/0001-ring-per-carrier.md. What
// follows from SINGLE_ISSUER and DEFER_TASKRUN is that only the owner may enter the kernel with it,
// and that completions appear only when he does.
//
// The way of an operation:
//
//   start()       the thread fills a submission entry, on its own stack, and suspends
//   flush()       the kernel gets the entries: at batch_size of them, and whenever poll() or wait()
//                 runs. Called by threads too: it reaps nothing
//   poll(), wait()  on the scheduler's stack: enter the kernel, reap, resume the threads
//   bring_in()    if the owner does not come by: its kernel thread is sent a signal, whose handler
//                 enters the kernel, with the entries that are there, so that completions appear
//   help()        another carrier reaps them
//
// and of a cancellation: poll() makes an ASYNC_CANCEL of each wish to end an operation (engine.h).
// The operation's own completion then comes at once, with ECANCELED unless it was faster.
//
// An operation that the kernel gives to a worker thread of its own can outlive its completion: the
// worker holds it until it has told us of the end, and whoever lets go last, lets go of the file.
// If that is the worker, it is left to the owner's next visit, as all that the kernel does in our
// name. Until then the file is open, whoever has closed its descriptor: a pipe or a connection does
// not end for its reader, a lock is not given up, a program that was written cannot be run. So from
// the first such operation on the kernel always has business with the owner, who sleeps in it and
// is fetched if need be.
#ifndef CONC_IO_RING_H
#define CONC_IO_RING_H

#include <liburing.h>

#include <memory>

#include "conc/detail/atomic.h"
#include "io/engine.h"

namespace conc::detail {

class ring final : public engine {
 public:
  // The ways to set a ring up, best first: each is for kernels that refuse the one before.
  enum class mode : unsigned { deferred, cooperative, plain };
  // Where make() starts on that ladder. Only tests change it.
  static atomic<mode> first_mode;

  // On the carrier that is to own it. Null, and the reason in `error`, if the kernel refuses: that
  // is found out by sending an operation around, because some sandboxes forbid less than all.
  static std::unique_ptr<ring> make(int& error) noexcept;
  ~ring() override;

  bool takes_all() const noexcept override { return true; }
  void start(operation& op) noexcept override;
  void flush() noexcept override;
  void poll(then next) noexcept override;
  bool has_business() const noexcept override {
    return in_use() || may_hold_files_.load(memory_order_relaxed);
  }
  bool has_work() const noexcept override;
  void wait(nanos deadline) noexcept override;
  bool help(nanos since) noexcept override;
  void bring_in() noexcept override;

 private:
  ring() noexcept = default;

  static constexpr unsigned batch_size = 16;
  // One entry of the kernel handles about 20 deferred completions; this many entries are enough
  // for any sensible burst, and an end if the kernel's flag stays set with nothing behind it.
  static constexpr unsigned most_rounds = 64;

  void close() noexcept override;
  int reopen() noexcept override;
  int set_up(mode m) noexcept;
  int try_out() noexcept;
  void unmake() noexcept;

  io_uring_sqe* next_entry() noexcept;
  unsigned unsubmitted() const noexcept;
  unsigned kernel_flags() const noexcept;
  int enter(unsigned completions, unsigned flags, const io_uring_getevents_arg* limit) noexcept;
  void prepare() noexcept;
  bool submit_cancel() noexcept;
  void watch_doorbell() noexcept;
  bool has_completions() const noexcept;
  void entries_are_filled() noexcept;
  bool needs_the_owner() const noexcept;
  void look(then next) noexcept;
  enum class by : bool { owner, helper };
  unsigned reap(by whom) noexcept;
  void complete(std::uint64_t user_data, int result, std::uint32_t flags) noexcept;

  io_uring uring_{};            // set up by liburing; the queues are ours to drive
  bool made_ = false;           // under finishing_
  bool flag_is_stale_ = false;  // SQ_TASKRUN was set when there was nothing to run
  // Under finishing_:
  bool doorbell_watched_ = false;
  bool one_shot_doorbell_ = false;
  bool bell_heard_ = false;  // by a helper: the owner, for whom it was rung, must not sleep yet
  std::uint32_t vain_calls_ = 0, calls_to_leave_out_ = 0;  // of bring_in()
  bool polls_first_ = false;                               // it knows IORING_RECVSEND_POLL_FIRST
  unsigned enter_flags_ = 0;                               // for each time we go to sleep
  atomic<bool> may_hold_files_{false};  // a worker of the kernel's; helpers look at it, too
  unsigned tail_ = 0;           // of the submission queue; the kernel's copy follows at enter()
  atomic<unsigned> filled_{0};  // entries up to here are complete, for whoever interrupts start()
};

}  // namespace conc::detail

#endif  // CONC_IO_RING_H
