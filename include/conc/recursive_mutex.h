// conc::recursive_mutex and recursive_timed_mutex: a thread may lock again what it holds.
#ifndef CONC_RECURSIVE_MUTEX_H
#define CONC_RECURSIVE_MUTEX_H

#include <chrono>
#include <cstdint>
#include <limits>
#include <system_error>

#include "conc/detail/timed_lock.h"
#include "conc/mutex.h"

namespace conc {
namespace detail {

[[noreturn]] CONC_API void unlocked_by_another(const void* lock) noexcept;
[[noreturn]] CONC_API void too_many_levels();

// A mutex and the number of levels beyond the first, which only the owner looks at. A template so
// that a test can reach the end of the count.
template <class Depth>
class recursive_lock {
 public:
  recursive_lock(const recursive_lock&) = delete;
  recursive_lock& operator=(const recursive_lock&) = delete;

  void lock() CONC_NO_THREAD_SAFETY_ANALYSIS {
    if (inner_.held_by_me()) [[unlikely]] {
      if (!go_deeper()) too_many_levels();
    } else {
      inner_.lock();
    }
  }
  bool try_lock() noexcept CONC_NO_THREAD_SAFETY_ANALYSIS {
    return inner_.held_by_me() ? go_deeper() : inner_.try_lock();
  }
  bool try_lock_until(steady_nanos deadline) noexcept CONC_NO_THREAD_SAFETY_ANALYSIS {
    return inner_.held_by_me() ? go_deeper() : inner_.lock_until_steady(deadline);
  }
  void unlock() noexcept CONC_NO_THREAD_SAFETY_ANALYSIS {
    if (levels_ == 0) return inner_.unlock();  // which checks the owner
    if (!inner_.held_by_me()) [[unlikely]]
      unlocked_by_another(this);
    --levels_;
  }

  constexpr recursive_lock() noexcept = default;

 private:
  bool go_deeper() noexcept {
    if (levels_ == std::numeric_limits<Depth>::max()) return false;
    ++levels_;
    return true;
  }

  mutex inner_;
  Depth levels_ = 0;
};

}  // namespace detail

// As std::recursive_mutex. Blocking, order, fairness (K = mutex::max_bypass), destruction and
// misuse as conc::mutex; levels beyond the first cost no locked instruction. 16 bytes.
//
// Errors: lock() throws std::system_error with resource_unavailable_try_again, and try_lock()
// fails,
//   when the owner would be 2^32 + 1 levels deep; the levels that it has stay.
// A condition_variable_any that waits with such a mutex gives back one level only.
class CONC_CAPABILITY("mutex") recursive_mutex {
 public:
  static constexpr std::uint32_t max_bypass = mutex::max_bypass;

  constexpr recursive_mutex() noexcept = default;
  recursive_mutex(const recursive_mutex&) = delete;
  recursive_mutex& operator=(const recursive_mutex&) = delete;

  void lock() CONC_ACQUIRE() { inner_.lock(); }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() { return inner_.try_lock(); }
  void unlock() noexcept CONC_RELEASE() { inner_.unlock(); }

 private:
  detail::recursive_lock<std::uint32_t> inner_;
};

// As std::recursive_timed_mutex: both of recursive_mutex and timed_mutex.
class CONC_CAPABILITY("mutex") recursive_timed_mutex {
 public:
  static constexpr std::uint32_t max_bypass = mutex::max_bypass;

  constexpr recursive_timed_mutex() noexcept = default;
  recursive_timed_mutex(const recursive_timed_mutex&) = delete;
  recursive_timed_mutex& operator=(const recursive_timed_mutex&) = delete;

  void lock() CONC_ACQUIRE() { inner_.lock(); }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() { return inner_.try_lock(); }
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(const std::chrono::duration<Rep, Period>& time)
      CONC_TRY_ACQUIRE() {
    return inner_.try_lock_until(detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(const std::chrono::time_point<Clock, Duration>& deadline)
      CONC_TRY_ACQUIRE() {
    return detail::retry_until(deadline,
                               [this](detail::steady_nanos d) { return inner_.try_lock_until(d); });
  }
  void unlock() noexcept CONC_RELEASE() { inner_.unlock(); }

 private:
  detail::recursive_lock<std::uint32_t> inner_;
};

}  // namespace conc

#endif  // CONC_RECURSIVE_MUTEX_H
