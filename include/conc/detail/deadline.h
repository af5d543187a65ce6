// From any clock's time points and durations to the steady clock on which the library waits.
#ifndef CONC_DETAIL_DEADLINE_H
#define CONC_DETAIL_DEADLINE_H

#include <chrono>
#include <cstdint>
#include <limits>

namespace conc::detail {

// Nanoseconds on the steady clock; the greatest value means "never".
using steady_nanos = std::int64_t;
inline constexpr steady_nanos never = std::numeric_limits<steady_nanos>::max();

// Rounds up, so that a wait never ends early, and saturates: a deadline beyond the clock's range
// is never reached, and one before its beginning has passed.
template <class Rep, class Period>
steady_nanos ceil_nanos(std::chrono::duration<Rep, Period> d) noexcept {
  using seconds = std::chrono::duration<double>;
  const double s = std::chrono::duration_cast<seconds>(d).count();
  if (s >= 9.2e9) return never;
  if (s <= -9.2e9) return std::numeric_limits<steady_nanos>::min();
  return std::chrono::ceil<std::chrono::nanoseconds>(d).count();
}

inline steady_nanos steady_now() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

template <class Rep, class Period>
steady_nanos deadline_after(std::chrono::duration<Rep, Period> d) noexcept {
  const steady_nanos wait = ceil_nanos(d);
  const steady_nanos start = steady_now();
  if (wait <= 0) return start;
  return wait > never - start ? never : start + wait;
}

template <class Duration>
steady_nanos deadline_at(std::chrono::time_point<std::chrono::steady_clock, Duration> t) noexcept {
  return ceil_nanos(t.time_since_epoch());
}

// Another clock's time point, seen from now: if that clock is set meanwhile the caller finds out by
// asking it again when the wait ends.
template <class Clock, class Duration>
steady_nanos deadline_at(std::chrono::time_point<Clock, Duration> t) noexcept {
  const auto now = Clock::now();
  return t <= now ? steady_now() : deadline_after(t - now);
}

}  // namespace conc::detail

#endif  // CONC_DETAIL_DEADLINE_H
