// conc::shared_mutex and shared_timed_mutex: many readers or one writer.
#ifndef CONC_SHARED_MUTEX_H
#define CONC_SHARED_MUTEX_H

#include <chrono>
#include <cstdint>
#include <mutex>
#include <shared_mutex>  // std::shared_lock: used with these as it is

#include "conc/detail/shared_core.h"
#include "conc/detail/thread_safety.h"
#include "conc/detail/timed_lock.h"

namespace conc {

// A readers/writer lock as std::shared_mutex, for user-level threads and kernel threads at once;
// usable in std::shared_lock, std::unique_lock, std::scoped_lock and std::lock. 16 bytes; no
// allocation, ever. The template argument says who goes first; shared_mutex, which is phase-fair,
// is the one to take unless measurements say otherwise.
//
// Blocking: lock() and lock_shared() suspend the caller; a kernel thread first spins for as long as
//   blocking would cost, if a CPU is to spare. The others never block. Without writers in sight
//   lock_shared() and unlock_shared() are one read-modify-write each, which cannot fail.
// Order: an unlock happens before every later lock, and an unlock_shared() before every later lock.
// Fairness, phase-fair: whoever runs may pass those who sleep, up to K = max_bypass = 1000: a
//   reader that waits is passed by at most K writers, and a writer that is the oldest by K others,
//   readers and writers together, and then by those readers who wait already or are just coming in.
//   From there on readers and writers take turns: the door is closed to newcomers until those who
//   were passed have been inside. With preference for readers writers may starve, with preference
//   for writers readers may; these two hand over to threads that sleep at every turn.
// Recursion: none, not even for readers: with a writer waiting in between, the second lock_shared()
//   of a thread may wait for the writer, and that one for the first.
// Destruction: legal as soon as nobody holds or waits for it; no unlock touches the object after it
//   has let the next one in, so that one may unlock and destroy it at once.
// Errors: none are reported. Locking what the caller holds for writing, unlocking as somebody else,
//   unlock_shared() with no reader inside, destruction in use, and more than eight million readers
//   end the process with a message.
// Signals: not async-signal-safe.
// Source: src/locks/shared_word.h.
template <rw_preference Preference = rw_preference::phase_fair>
class CONC_CAPABILITY("shared_mutex") basic_shared_mutex {
 public:
  static constexpr std::uint32_t max_bypass = detail::shared_core<Preference>::max_bypass;

  constexpr basic_shared_mutex() noexcept = default;
  basic_shared_mutex(const basic_shared_mutex&) = delete;
  basic_shared_mutex& operator=(const basic_shared_mutex&) = delete;

  void lock() noexcept CONC_ACQUIRE() { core_.lock(); }
  // Takes the mutex if it is free, even past waiters (within the bound).
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() { return core_.try_lock(); }
  void unlock() noexcept CONC_RELEASE() { core_.unlock(); }

  void lock_shared() noexcept CONC_ACQUIRE_SHARED() { core_.lock_shared(); }
  // Fails as well when a writer waits that has been passed often enough, or if writers are
  // preferred.
  [[nodiscard]] bool try_lock_shared() noexcept CONC_TRY_ACQUIRE_SHARED() {
    return core_.try_lock_shared();
  }
  void unlock_shared() noexcept CONC_RELEASE_SHARED() { core_.unlock_shared(); }

 private:
  detail::shared_core<Preference> core_;
};

// The same with deadlines, as std::shared_timed_mutex.
//
// Time: the members with a time never give up early. Their deadline is kept on the steady clock;
// for
//   another clock that clock is asked again before they give up. Who has been let in when the
//   deadline passes stays in. A writer that gives up opens the door again for the readers who wait
//   behind it, if no other writer wants it closed.
template <rw_preference Preference = rw_preference::phase_fair>
class CONC_CAPABILITY("shared_mutex") basic_shared_timed_mutex {
 public:
  static constexpr std::uint32_t max_bypass = detail::shared_core<Preference>::max_bypass;

  constexpr basic_shared_timed_mutex() noexcept = default;
  basic_shared_timed_mutex(const basic_shared_timed_mutex&) = delete;
  basic_shared_timed_mutex& operator=(const basic_shared_timed_mutex&) = delete;

  void lock() noexcept CONC_ACQUIRE() { core_.lock(); }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() { return core_.try_lock(); }
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(const std::chrono::duration<Rep, Period>& time)
      CONC_TRY_ACQUIRE() {
    return core_.lock_until(detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(const std::chrono::time_point<Clock, Duration>& deadline)
      CONC_TRY_ACQUIRE() {
    return detail::retry_until(deadline,
                               [this](detail::steady_nanos d) { return core_.lock_until(d); });
  }
  void unlock() noexcept CONC_RELEASE() { core_.unlock(); }

  void lock_shared() noexcept CONC_ACQUIRE_SHARED() { core_.lock_shared(); }
  [[nodiscard]] bool try_lock_shared() noexcept CONC_TRY_ACQUIRE_SHARED() {
    return core_.try_lock_shared();
  }
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_shared_for(const std::chrono::duration<Rep, Period>& time)
      CONC_TRY_ACQUIRE_SHARED() {
    return core_.lock_shared_until(detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_shared_until(const std::chrono::time_point<Clock, Duration>& deadline)
      CONC_TRY_ACQUIRE_SHARED() {
    return detail::retry_until(
        deadline, [this](detail::steady_nanos d) { return core_.lock_shared_until(d); });
  }
  void unlock_shared() noexcept CONC_RELEASE_SHARED() { core_.unlock_shared(); }

 private:
  detail::shared_core<Preference> core_;
};

using shared_mutex = basic_shared_mutex<>;
using shared_timed_mutex = basic_shared_timed_mutex<>;

}  // namespace conc

#endif  // CONC_SHARED_MUTEX_H
