// What every call of conc::io comes down to.
#ifndef CONC_IO_PERFORM_H
#define CONC_IO_PERFORM_H

#include <system_error>

#include "conc/detail/io_options.h"
#include "io/request.h"

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

// Hands the kernel what the caller's carrier has queued, if anything: before a descriptor is closed
// under operations that name it.
void flush_queued() noexcept;

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
