// conc::condition_variable: wait for a condition on data that a conc::mutex guards. Brings
// condition_variable_any along, from a header of its own.
#ifndef CONC_CONDITION_VARIABLE_H
#define CONC_CONDITION_VARIABLE_H

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/deadline.h"
#include "conc/mutex.h"

namespace conc {

using cv_status = std::cv_status;

namespace detail {
class region_core;
enum class wait_kind : std::uint8_t;
}  // namespace detail

// As std::condition_variable, waiting on a std::unique_lock<conc::mutex>; user-level threads and
// kernel threads may wait on the same object. Four bytes; no allocation.
//
// Blocking: wait() suspends the caller and has the mutex again when it returns; notifying never
//   blocks. A notification wakes no kernel thread that would only find the mutex locked: it moves
//   to the mutex's own queue and is woken when its turn comes ("wait morphing"), so that
//   notify_all() to a hundred of them is not a stampede. User-level threads are made ready; of
//   these no more run at once than there are processors.
// Wakes: waiters are notified in the order of their arrival. Waits without a time limit do not wake
//   spuriously; use the predicate overloads all the same, because another thread may have changed
//   the condition between the notification and the re-acquired mutex.
// Time: a timed wait never returns cv_status::timeout early. Its deadline is kept on the steady
//   clock; for another clock that clock is asked again before a timeout is reported. A wait that
//   was notified before its deadline reports no_timeout, however long the mutex then takes.
// Destruction: legal once every waiter has been notified, even if none has returned yet.
// Errors: waiting with a mutex that the caller does not hold ends the process with a message, and
//   so does destroying the object with waiters that were not notified.
// Thread-safety: all members may be called concurrently; all waiters must use the same mutex.
class CONC_API condition_variable {
 public:
  constexpr condition_variable() noexcept = default;
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;
  ~condition_variable() {
    if (waiters_.load(detail::memory_order_relaxed) != 0) [[unlikely]]
      destroyed_in_use();
  }

  void notify_one() noexcept {
    // Relaxed is enough: a waiter that must see this notification released the mutex before the
    // notifier changed the condition under it, and its mark came before that.
    if (waiters_.load(detail::memory_order_relaxed) != 0) notify_one_slow();
  }
  void notify_all() noexcept {
    if (waiters_.load(detail::memory_order_relaxed) != 0) notify_all_slow();
  }

  void wait(std::unique_lock<mutex>& lock) noexcept { wait_until_steady(lock, detail::never); }

  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate condition) {
    while (!condition()) wait(lock);
  }

  template <class Clock, class Duration>
  cv_status wait_until(std::unique_lock<mutex>& lock,
                       const std::chrono::time_point<Clock, Duration>& deadline) {
    if (wait_until_steady(lock, detail::deadline_at(deadline))) return cv_status::no_timeout;
    // The clock may have been set back while we waited on the steady one.
    return detail::has_passed(deadline) ? cv_status::timeout : cv_status::no_timeout;
  }

  template <class Clock, class Duration, class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock,
                  const std::chrono::time_point<Clock, Duration>& deadline, Predicate condition) {
    while (!condition()) {
      if (wait_until(lock, deadline) == cv_status::timeout) return condition();
    }
    return true;
  }

  template <class Rep, class Period>
  cv_status wait_for(std::unique_lock<mutex>& lock,
                     const std::chrono::duration<Rep, Period>& time) {
    return wait_until_steady(lock, detail::deadline_after(time)) ? cv_status::no_timeout
                                                                 : cv_status::timeout;
  }

  template <class Rep, class Period, class Predicate>
  bool wait_for(std::unique_lock<mutex>& lock, const std::chrono::duration<Rep, Period>& time,
                Predicate condition) {
    const detail::steady_nanos deadline = detail::deadline_after(time);
    while (!condition()) {
      if (!wait_until_steady(lock, deadline)) return condition();
    }
    return true;
  }

 private:
  friend class mesa_monitor;
  friend class detail::region_core;

  // False if the deadline passed before a notification came.
  bool wait_until_steady(std::unique_lock<mutex>& lock, detail::steady_nanos deadline) noexcept;
  // The same, for what is made of it, and wants to be shown as what it is.
  bool wait_as(detail::wait_kind kind, std::unique_lock<mutex>& lock,
               detail::steady_nanos deadline) noexcept;
  void notify_one_slow() noexcept;
  void notify_all_slow() noexcept;
  [[noreturn]] void destroyed_in_use() noexcept;

  // 1 while somebody is queued in the parking table at this address, else 0. Changes only under
  // the lock of the bucket, together with the queue.
  detail::atomic<std::uint32_t> waiters_{0};
};

// As std::notify_all_at_thread_exit: the calling thread, of either kind, keeps the mutex that
// `lock` holds until its end, when what belongs to it has been destroyed, and then notifies all and
// unlocks, before it can be joined (conc/detail/thread_exit.h; a main thread ends with exit()).
// Whoever gets the mutex then may destroy both. The thread must not lock the mutex again.
// Blocking: never. Errors: std::bad_alloc, the mutex is free then; a lock that holds no mutex ends
// the process with a message.
CONC_API void notify_all_at_thread_exit(condition_variable& cv, std::unique_lock<mutex> lock);

}  // namespace conc

#include "conc/condition_variable_any.h"

#endif  // CONC_CONDITION_VARIABLE_H
