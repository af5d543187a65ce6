// conc::mesa_monitor: a monitor in which a signal is a hint.
#ifndef CONC_MESA_MONITOR_H
#define CONC_MESA_MONITOR_H

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "conc/config.h"
#include "conc/detail/deadline.h"
#include "conc/detail/monitor_queue.h"
#include "conc/detail/thread_safety.h"
#include "conc/detail/timed_lock.h"
#include "conc/mutex.h"

namespace conc {

// The monitor as Mesa and Java know it. It is entered by lock() and left by unlock(), best by a
// guard; whoever is inside may wait for its conditions and signal them. A thread that is signalled
// comes in again when the signaller and whoever else was faster have left, so it has to look again
// whether it finds what it waited for: `while (!condition) c.wait();`. For user-level threads and
// kernel threads at once. 8 bytes, 24 for each condition; no allocation.
//
// Blocking: lock() and the waits suspend the caller; signal() and broadcast() never block.
// Order: unlocking, or beginning to wait, happens before every later entry.
// Fairness: entry is that of conc::mutex, K = 1000; so is the way back in of those who were
//   signalled, who queue behind the threads that already wait to enter.
// Destruction: legal as soon as nobody is inside or waits; the last to leave does not touch the
//   object after it has let the next one in.
// Errors: entering twice, leaving, waiting or signalling from outside, and destroying what is in
//   use, end the process with a message.
// Source: Lampson and Redell, "Experience with processes and monitors in Mesa", 1980.
class CONC_API CONC_CAPABILITY("monitor") mesa_monitor {
 public:
  class condition;
  // The bound K on bypasses: see above.
  static constexpr std::uint32_t max_bypass = mutex::max_bypass;

  constexpr mesa_monitor() noexcept = default;
  mesa_monitor(const mesa_monitor&) = delete;
  mesa_monitor& operator=(const mesa_monitor&) = delete;

  void lock() noexcept CONC_ACQUIRE() CONC_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() CONC_NO_THREAD_SAFETY_ANALYSIS {
    return mutex_.try_lock();
  }
  void unlock() noexcept CONC_RELEASE() CONC_NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

 private:
  mutex mutex_;
};

// A condition of a monitor, which must outlive it. All members are called from inside.
class CONC_API mesa_monitor::condition {
 public:
  constexpr explicit condition(mesa_monitor& m) noexcept : monitor_(m) {}
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;
  ~condition() {
    if (!waiters_.empty()) [[unlikely]]
      destroyed_in_use();
  }

  // Leaves the monitor, waits for a signal, and enters again. A signal goes to the least rank,
  // among equals to the one who has waited longest ("scheduled wait"). It wakes nobody spuriously.
  void wait(std::uint64_t rank = 0) noexcept { wait_until_steady(rank, detail::never); }

  // The same with a time limit: false if no signal came before it, which is never said early.
  template <class Rep, class Period>
  bool wait_for(const std::chrono::duration<Rep, Period>& time, std::uint64_t rank = 0) {
    return wait_until_steady(rank, detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  bool wait_until(const std::chrono::time_point<Clock, Duration>& t, std::uint64_t rank = 0) {
    return detail::retry_until(
        t, [&](detail::steady_nanos deadline) { return wait_until_steady(rank, deadline); });
  }

  // To the first waiter; nothing is remembered if there is none.
  void signal() noexcept;
  // To all who wait now.
  void broadcast() noexcept;

  [[nodiscard]] bool empty() const noexcept { return waiters_.empty(); }
  // How many wait; takes as many steps.
  [[nodiscard]] std::size_t size() const noexcept { return waiters_.size(); }
  // Of the first waiter; there must be one.
  [[nodiscard]] std::uint64_t least_rank() const noexcept { return waiters_.least_rank(); }

 private:
  bool wait_until_steady(std::uint64_t rank, detail::steady_nanos deadline) noexcept;
  [[noreturn]] void destroyed_in_use() noexcept;

  mesa_monitor& monitor_;
  detail::monitor_queue waiters_;
};

}  // namespace conc

#endif  // CONC_MESA_MONITOR_H
