// An epoll set, owned by one carrier: how user-level threads wait for descriptors where the kernel
// refuses io_uring, or the environment says CONC_IO=epoll.
//
// It knows one operation, POLL_ADD: "when one of these events comes". What else a call needs is
// built of attempts and of such waits (emulation.cc). An event is a hint: who is woken looks again.
//
// The kernel keeps one registration for a descriptor and a set, while any number of threads may
// wait on the descriptor, each for its own events. So the set has a table of waiting operations by
// descriptor, and the registration is for the union of their events, once (EPOLLONESHOT): it is
// renewed by whoever comes next and, after an event, for those whom it did not concern.
//
// Closing a descriptor removes its registration without a word. So conc::io::close() ends the waits
// on it first, in all sets of the process: closing() takes them out of the table, under the set's
// lock, and their owner resumes them. Their calls then end; they do not look at the number again,
// which may be another file's by then.
//
// A registration that is left behind (its operation was called off, the descriptor closed) costs a
// spurious event at most. No descriptor is made non-blocking, and none is registered twice.
#ifndef CONC_IO_EPOLL_SET_H
#define CONC_IO_EPOLL_SET_H

#include <memory>

#include "io/engine.h"
#include "io/waits_by_descriptor.h"
#include "locks/internal_lock.h"

struct epoll_event;

namespace conc::detail {

class epoll_set final : public engine {
 public:
  // Null, and the reason in `error`, if the kernel refuses.
  static std::unique_ptr<epoll_set> make(int& error) noexcept;
  ~epoll_set() override;

  bool takes_all() const noexcept override { return false; }
  // The result is a set of events or: EPERM, a descriptor that is always ready, as files are;
  // EBADF.
  void start(operation& op) noexcept override;
  void flush() noexcept override {}
  void poll(then next) noexcept override;
  bool has_work() const noexcept override {
    return decided_ != nullptr || has_wishes() || any_closed_.load(memory_order_relaxed);
  }
  void wait(nanos deadline) noexcept override;
  bool help(nanos since) noexcept override;
  void bring_in() noexcept override {}

  // For anybody: all waits on `fd` have ended, for this purpose, when it returns.
  static void closing(int fd) noexcept;

 private:
  epoll_set() noexcept = default;

  static constexpr int most_events = 64;  // that one look takes
  static constexpr int most_looks = 16;

  // Nothing of it belongs to a kernel thread.
  void close() noexcept override {}
  int reopen() noexcept override { return 0; }
  int register_for(int fd, std::uint32_t events) noexcept;
  int look(epoll_event* events, nanos until) noexcept;
  void fired(int fd, std::uint32_t events) noexcept;
  void poll_locked() noexcept;
  void see_to_wishes() noexcept;
  void close_under_waiters(int fd) noexcept;
  void wait_till_it_may_finish(const operation& op) const noexcept;
  void finish_all(operation* list, int result) noexcept;
  void settle() noexcept;

  int set_ = -1;
  operation* decided_ = nullptr;  // those that the kernel has refused to wait for

  internal_lock lock_;  // of what follows; nearly always the owner's alone
  waits_by_descriptor waits_;
  operation* closed_ = nullptr;  // their descriptor has been closed
  atomic<bool> any_closed_{false};

  epoll_set* next_set_ = nullptr;  // of the process
  epoll_set** link_ = nullptr;     // what points to this one; null if it is not in the list
};

}  // namespace conc::detail

#endif  // CONC_IO_EPOLL_SET_H
