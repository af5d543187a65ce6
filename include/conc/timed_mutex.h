// conc::timed_mutex: a mutex for which one need not wait for ever.
#ifndef CONC_TIMED_MUTEX_H
#define CONC_TIMED_MUTEX_H

#include <chrono>

#include "conc/detail/timed_lock.h"
#include "conc/mutex.h"

namespace conc {

// As std::timed_mutex. Everything that is said of conc::mutex holds for it: its cost, which is the
// same, its fairness (K = mutex::max_bypass, for waiters with and without a deadline alike), its
// destruction, its errors. Eight bytes.
//
// Time: try_lock_for/until never give up early. Their deadline is kept on the steady clock; for
//   another clock that clock is asked again before they give up. A waiter to whom the mutex has
//   been handed when its deadline passes takes it. A waiter that gives up leaves the queue as if it
//   had never come.
class CONC_API CONC_CAPABILITY("mutex") timed_mutex {
 public:
  static constexpr std::uint32_t max_bypass = mutex::max_bypass;

  constexpr timed_mutex() noexcept = default;
  timed_mutex(const timed_mutex&) = delete;
  timed_mutex& operator=(const timed_mutex&) = delete;

  void lock() noexcept CONC_ACQUIRE() { inner_.lock(); }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() { return inner_.try_lock(); }
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(const std::chrono::duration<Rep, Period>& time)
      CONC_TRY_ACQUIRE() {
    return inner_.lock_until_steady(detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(const std::chrono::time_point<Clock, Duration>& deadline)
      CONC_TRY_ACQUIRE() {
    return detail::retry_until(
        deadline, [this](detail::steady_nanos d) { return inner_.lock_until_steady(d); });
  }
  void unlock() noexcept CONC_RELEASE() { inner_.unlock(); }

 private:
  mutex inner_;
};

}  // namespace conc

#endif  // CONC_TIMED_MUTEX_H
