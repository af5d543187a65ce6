// Waiting until a time point of any clock, by waits on the steady clock.
#ifndef CONC_DETAIL_TIMED_LOCK_H
#define CONC_DETAIL_TIMED_LOCK_H

#include "conc/detail/deadline.h"

namespace conc::detail {

// Calls attempt(steady deadline) until it succeeds or `deadline` has passed by its own clock, which
// may have been set back while the steady one went on: then there is more time left.
template <class Clock, class Duration, class Attempt>
bool retry_until(const std::chrono::time_point<Clock, Duration>& deadline, Attempt attempt) {
  for (;;) {
    if (attempt(deadline_at(deadline))) return true;
    if (Clock::now() >= deadline) return false;
  }
}

// The steady clock cannot be set: what has passed has passed.
template <class Duration, class Attempt>
bool retry_until(const std::chrono::time_point<std::chrono::steady_clock, Duration>& deadline,
                 Attempt attempt) {
  return attempt(deadline_at(deadline));
}

}  // namespace conc::detail

#endif  // CONC_DETAIL_TIMED_LOCK_H
