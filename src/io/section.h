// System calls that wait for nobody: by conc::blocking if they may keep a kernel thread.
#ifndef CONC_IO_SECTION_H
#define CONC_IO_SECTION_H

#include <cerrno>
#include <system_error>

#include "conc/blocking.h"
#include "conc/detail/io_options.h"
#include "io/request.h"
#include "locks/clock.h"

namespace conc::detail {

// Calls `call` until no signal ends it; the result, or the negative of an errno value. A function
// of its own because errno's address belongs to the kernel thread (attempt.h).
template <class Call>
[[gnu::noinline]] int without_eintr(const Call& call) noexcept {
  for (;;) {
    const auto done = call();
    if (done >= 0) return static_cast<int>(done);
    if (errno != EINTR) return -errno;
  }
}

// Runs `call`, which returns a result or the negative of an errno value, in a blocking section.
template <class Call>
outcome in_section(const Call& call) noexcept {
  try {
    return {blocking([&]() noexcept -> int { return call(); })};
  } catch (const std::system_error& e) {
    return {-e.code().value()};
  }
}

// Why a call that waits for nobody must not even begin: a request to stop that stands, a deadline
// that has passed. 0 if it may.
inline int too_late(const io::options& how) noexcept {
  if (how.stop.stop_requested()) return -ECANCELED;
  const nanos deadline = how.deadline.nanos();
  return deadline != no_deadline && deadline <= now() ? -ETIMEDOUT : 0;
}

// The same for `call` that reports errors as system calls do, unless it is too late for it.
template <class Call>
outcome in_section(const io::options& how, const Call& call) noexcept {
  if (const int late = too_late(how); late < 0) return {late};
  return in_section([&] { return without_eintr(call); });
}

// At once, and as above, for `call` that keeps no kernel thread either.
template <class Call>
outcome directly(const io::options& how, const Call& call) noexcept {
  if (const int late = too_late(how); late < 0) return {late};
  return {without_eintr(call)};
}

}  // namespace conc::detail

#endif  // CONC_IO_SECTION_H
