// The options that every call of conc::io accepts: how long it may take, and who may end it.
#ifndef CONC_DETAIL_IO_OPTIONS_H
#define CONC_DETAIL_IO_OPTIONS_H

#include <chrono>
#include <stop_token>

#include "conc/detail/deadline.h"

namespace conc::io {

// A point on the steady clock, made from such a point or from a duration that begins now. Both
// conversions are implicit: {.deadline = 10ms}.
class time_limit {
 public:
  constexpr time_limit() noexcept = default;  // no limit
  template <class Duration>
  time_limit(std::chrono::time_point<std::chrono::steady_clock, Duration> t) noexcept
      : nanos_(conc::detail::deadline_at(t)) {}
  template <class Rep, class Period>
  time_limit(std::chrono::duration<Rep, Period> from_now) noexcept
      : nanos_(conc::detail::deadline_after(from_now)) {}

  // Nanoseconds on the steady clock; conc::detail::never for none.
  constexpr conc::detail::steady_nanos nanos() const noexcept { return nanos_; }

 private:
  conc::detail::steady_nanos nanos_ = conc::detail::never;
};

struct options {
  time_limit deadline = {};
  std::stop_token stop = {};
};

}  // namespace conc::io

#endif  // CONC_DETAIL_IO_OPTIONS_H
