// Waiting until a time point of any clock, by waits on the steady clock.
#ifndef CONC_DETAIL_TIMED_LOCK_H
#define CONC_DETAIL_TIMED_LOCK_H

#include "conc/detail/deadline.h"

namespace conc::detail {

// Calls attempt(steady deadline) until it says anything but `late`, or `deadline` has passed by its
// own clock, which may have been set back while the steady one went on: then there is more time
// left. Returns what attempt() said last.
template <class Clock, class Duration, class Outcome, class Attempt>
Outcome repeat_while_late(const std::chrono::time_point<Clock, Duration>& deadline, Outcome late,
                          Attempt attempt) {
  for (;;) {
    const Outcome said = attempt(deadline_at(deadline));
    if (said != late || has_passed(deadline)) return said;
  }
}

// The steady clock cannot be set: what has passed has passed.
template <class Duration, class Outcome, class Attempt>
Outcome repeat_while_late(
    const std::chrono::time_point<std::chrono::steady_clock, Duration>& deadline, Outcome,
    Attempt attempt) {
  return attempt(deadline_at(deadline));
}

// The same for an attempt that succeeds or does not.
template <class Clock, class Duration, class Attempt>
bool retry_until(const std::chrono::time_point<Clock, Duration>& deadline, Attempt attempt) {
  return repeat_while_late(deadline, false, attempt);
}

}  // namespace conc::detail

#endif  // CONC_DETAIL_TIMED_LOCK_H
