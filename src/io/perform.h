// What every call of conc::io comes down to.
#ifndef CONC_IO_PERFORM_H
#define CONC_IO_PERFORM_H

#include <system_error>

#include "conc/detail/io_options.h"
#include "io/request.h"
#include "locks/clock.h"

namespace conc::detail {

// How a call relates to its request.
struct manner {
  // Whether an attempt without waiting makes sense, and is likely to succeed.
  bool try_first = false;
  // Events (POLLIN, POLLOUT) after which EAGAIN is worth another try; 0: EAGAIN is an answer. The
  // kernel says EAGAIN from the ring, too, where the descriptor has O_NONBLOCK.
  std::uint32_t retry_after = 0;
};

// Carries the request out, waiting in whatever way the caller's kind of thread waits.
outcome perform(const request& r, manner m, const io::options& how) noexcept;

// Waits until one of `events` (POLLIN, POLLOUT) comes at the descriptor; the result is a set of
// events. EPERM: the engine cannot wait for it, because it is always ready, as files are.
outcome wait_for(int fd, std::uint32_t events, const io::options& how) noexcept;

// The same before a call that then shows by itself what has come: a descriptor in error, or one
// that is always ready, is ready. So is what became ready before the deadline. `looked`: the caller
// has just found that it is not.
outcome wait_until_ready(int fd, std::uint32_t events, const io::options& how,
                         bool looked) noexcept;

// For calls that did not have to wait: a thread that makes only such calls would never leave its
// processor, so the caller gives way once in a while.
void give_way_sometimes() noexcept;

// For what can only be tried again and again: twice as long after each time.
inline constexpr nanos shortest_nap = 1'000'000, longest_nap = 16'000'000;

// Lets some time pass: 0, or why the call that waits has to end.
outcome nap(nanos length, const io::options& how) noexcept;

// A descriptor is about to be closed: operations that name it must not reach the next file that
// gets the number.
void before_closing(int fd) noexcept;

// --- error.cc -----------------------------------------------------------------------------------

std::error_code to_error_code(outcome o) noexcept;

// The last step of a call: what it returns and reports.
inline std::size_t size_or_error(outcome o, std::error_code& error) noexcept {
  if (o.value < 0) [[unlikely]] {
    error = to_error_code(o);
    return 0;
  }
  error.clear();
  return static_cast<std::size_t>(o.value);
}

inline int int_or_error(outcome o, std::error_code& error) noexcept {
  if (o.value < 0) [[unlikely]] {
    error = to_error_code(o);
    return -1;
  }
  error.clear();
  return o.value;
}

}  // namespace conc::detail

#endif  // CONC_IO_PERFORM_H
