// System calls that may keep a kernel thread, but wait for nobody: by conc::blocking.
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

// The same for `call` that reports errors as system calls do, unless `how` says that it is too late
// for it.
template <class Call>
outcome in_section(const io::options& how, const Call& call) noexcept {
  if (how.stop.stop_requested()) return {-ECANCELED};
  if (const nanos deadline = how.deadline.nanos(); deadline != no_deadline && deadline <= now()) {
    return {-ETIMEDOUT};
  }
  return in_section([&] { return without_eintr(call); });
}

}  // namespace conc::detail

#endif  // CONC_IO_SECTION_H
