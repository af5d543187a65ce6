// Time as the library counts it inside: nanoseconds of the steady clock in one signed word.
#ifndef CONC_LOCKS_CLOCK_H
#define CONC_LOCKS_CLOCK_H

#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>

namespace conc::detail {

// A point in time on CLOCK_MONOTONIC, in nanoseconds.
using nanos = std::int64_t;

inline constexpr nanos no_deadline = std::numeric_limits<nanos>::max();

inline nanos now() noexcept {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<nanos>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

// A point in time in about milliseconds (2^20 ns), of which 32 bits last 52 days: for reports.
inline std::uint32_t coarse_ticks(nanos t) noexcept { return static_cast<std::uint32_t>(t >> 20); }
inline nanos since_ticks(std::uint32_t then, nanos t) noexcept {
  return static_cast<nanos>(coarse_ticks(t) - then) << 20;
}

inline timespec to_timespec(nanos t) noexcept {
  if (t < 0) t = 0;
  return {static_cast<time_t>(t / 1'000'000'000), static_cast<long>(t % 1'000'000'000)};
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_CLOCK_H
