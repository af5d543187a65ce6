// From any clock's time points and durations to the steady clock on which the library waits.
#ifndef CONC_DETAIL_DEADLINE_H
#define CONC_DETAIL_DEADLINE_H

#include <chrono>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace conc::detail {

// Nanoseconds on the steady clock; the greatest value means "never".
using steady_nanos = std::int64_t;
inline constexpr steady_nanos never = std::numeric_limits<steady_nanos>::max();

// Rounds up, so that a wait never ends early, and saturates: a deadline beyond the clock's range
// is never reached, and one before its beginning has passed. What is not a number is no time at
// all.
template <class Rep, class Period>
steady_nanos ceil_nanos(std::chrono::duration<Rep, Period> d) noexcept {
  using seconds = std::chrono::duration<double>;
  const double s = std::chrono::duration_cast<seconds>(d).count();
  if (s >= 9.2e9) return never;
  if (s <= -9.2e9) return std::numeric_limits<steady_nanos>::min();
  if (s != s) return 0;
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

// How long it is until `t`; not positive once it has passed. Time points may be out of reach of
// each other, and of the arithmetic of both: an hour count of years ahead, or a clock whose epoch
// lies in the future. So it is looked at in floating point first, and exactly where the difference
// fits.
template <class Clock, class Duration>
steady_nanos time_left(std::chrono::time_point<Clock, Duration> t) noexcept {
  using seconds = std::chrono::duration<double>;
  using exact = std::common_type_t<Duration, typename Clock::duration>;
  const auto now = Clock::now();
  const double at = std::chrono::duration_cast<seconds>(t.time_since_epoch()).count();
  const double is = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
  const double limit = 0.999 * std::chrono::duration_cast<seconds>(exact::max()).count();
  const auto fits = [limit](double s) { return s < limit && s > -limit; };
  if (fits(at) && fits(is) && fits(at - is)) return ceil_nanos(t - now);
  return ceil_nanos(seconds(at - is));
}

// Another clock's time point, seen from now: if that clock is set meanwhile the caller finds out by
// asking it again when the wait ends.
template <class Clock, class Duration>
steady_nanos deadline_at(std::chrono::time_point<Clock, Duration> t) noexcept {
  return deadline_after(std::chrono::nanoseconds(time_left(t)));
}

template <class Clock, class Duration>
bool has_passed(std::chrono::time_point<Clock, Duration> t) noexcept {
  return time_left(t) <= 0;
}

}  // namespace conc::detail

#endif  // CONC_DETAIL_DEADLINE_H
