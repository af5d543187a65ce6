// conc::condition_variable_any: wait with any lock, and until somebody asks to stop.
#ifndef CONC_CONDITION_VARIABLE_ANY_H
#define CONC_CONDITION_VARIABLE_ANY_H

#include <chrono>
#include <condition_variable>
#include <stop_token>
#include <utility>

#include "conc/detail/any_wait.h"
#include "conc/detail/deadline.h"

namespace conc {

using cv_status = std::cv_status;

// As std::condition_variable_any: waits with any BasicLockable, such as a std::unique_lock of any
// mutex of this library, a std::shared_lock, or a lock of the program's own. 16 bytes; no
// allocation. With a conc::mutex and without stop tokens condition_variable is cheaper.
//
// Blocking: waiting suspends the caller, after lock.unlock(), and ends with lock.lock(); notifying
//   never blocks. Notified threads are woken at once, and then compete for their lock.
// Wakes: in the order of arrival; waits without a time limit do not wake spuriously. All the same
//   use the predicate overloads.
// Stop requests: the overloads with a std::stop_token also return, with the predicate's last
// answer,
//   when a stop is requested. The request wakes the waiters that were given its token, and nobody
//   else. (Their stop callback never suspends; one of the program's own must not either.)
// Time, destruction, thread-safety: as condition_variable, but for the mutex: waiters may use
//   different locks.
// Errors: an exception of lock.unlock() or of the predicate leaves wait(), and the caller does not
//   wait any more; one of lock.lock() ends the program. Destruction with waiters that were not
//   notified ends the process with a message.
class condition_variable_any {
 public:
  constexpr condition_variable_any() noexcept = default;
  condition_variable_any(const condition_variable_any&) = delete;
  condition_variable_any& operator=(const condition_variable_any&) = delete;

  void notify_one() noexcept { queue_.notify_one(); }
  void notify_all() noexcept { queue_.notify_all(); }

  template <class Lock>
  void wait(Lock& lock) {
    wait_until_steady(lock, detail::never);
  }
  template <class Lock, class Predicate>
  void wait(Lock& lock, Predicate condition) {
    while (!condition()) wait(lock);
  }

  template <class Lock, class Clock, class Duration>
  cv_status wait_until(Lock& lock, const std::chrono::time_point<Clock, Duration>& deadline) {
    if (wait_until_steady(lock, detail::deadline_at(deadline))) return cv_status::no_timeout;
    // The clock may have been set back while we waited on the steady one.
    return detail::has_passed(deadline) ? cv_status::timeout : cv_status::no_timeout;
  }
  template <class Lock, class Clock, class Duration, class Predicate>
  bool wait_until(Lock& lock, const std::chrono::time_point<Clock, Duration>& deadline,
                  Predicate condition) {
    while (!condition()) {
      if (wait_until(lock, deadline) == cv_status::timeout) return condition();
    }
    return true;
  }
  template <class Lock, class Rep, class Period>
  cv_status wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& time) {
    return wait_until_steady(lock, detail::deadline_after(time)) ? cv_status::no_timeout
                                                                 : cv_status::timeout;
  }
  template <class Lock, class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& time, Predicate condition) {
    const detail::steady_nanos deadline = detail::deadline_after(time);
    while (!condition()) {
      if (!wait_until_steady(lock, deadline)) return condition();
    }
    return true;
  }

  // The interruptible waits. They return what the predicate says last: true, or false after a stop
  // request or the deadline.
  template <class Lock, class Predicate>
  bool wait(Lock& lock, std::stop_token stop, Predicate condition) {
    return wait_stoppable(
        lock, stop, condition, [] { return detail::never; }, [] { return false; });
  }
  template <class Lock, class Clock, class Duration, class Predicate>
  bool wait_until(Lock& lock, std::stop_token stop,
                  const std::chrono::time_point<Clock, Duration>& deadline, Predicate condition) {
    return wait_stoppable(
        lock, stop, condition, [&] { return detail::deadline_at(deadline); },
        [&] { return detail::has_passed(deadline); });
  }
  template <class Lock, class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, std::stop_token stop, const std::chrono::duration<Rep, Period>& time,
                Predicate condition) {
    const detail::steady_nanos deadline = detail::deadline_after(time);
    return wait_stoppable(
        lock, stop, condition, [&] { return deadline; }, [] { return true; });
  }

 private:
  // False if the deadline passed before a notification came.
  template <class Lock>
  bool wait_until_steady(Lock& lock, detail::steady_nanos deadline) {
    detail::any_wait w(queue_);
    w.enter();
    const detail::unlocked<Lock> without(lock);
    return w.until(deadline);
  }

  // `when()` is the deadline of the next wait; `is_over()` is asked when it has passed.
  template <class Lock, class Predicate, class When, class IsOver>
  bool wait_stoppable(Lock& lock, const std::stop_token& stop, Predicate& condition, When when,
                      IsOver is_over) {
    if (stop.stop_requested()) return condition();
    detail::any_wait w(queue_);
    const auto interrupt = [&w]() noexcept { w.interrupt(); };
    const std::stop_callback<decltype(interrupt)> on_stop(stop, interrupt);
    while (!condition()) {
      w.enter();
      // A request that came before we entered found nobody to interrupt: so look once more.
      if (stop.stop_requested()) {
        w.leave();
        return condition();
      }
      bool in_time;
      {
        const detail::unlocked<Lock> without(lock);
        in_time = w.until(when());
      }
      if (stop.stop_requested() || (!in_time && is_over())) return condition();
    }
    return true;
  }

  detail::any_queue queue_;
};

}  // namespace conc

#endif  // CONC_CONDITION_VARIABLE_ANY_H
