// conc::hoare_monitor: a monitor in which a signal hands the monitor over.
#ifndef CONC_HOARE_MONITOR_H
#define CONC_HOARE_MONITOR_H

#include <cstddef>
#include <cstdint>

#include "conc/config.h"
#include "conc/detail/monitor_queue.h"
#include "conc/detail/thread_safety.h"
#include "conc/mutex.h"

namespace conc {

namespace detail {
struct task;
}

// The monitor as it was invented. It is entered by lock() and left by unlock(), best by a guard. A
// signal hands the monitor to the waiter at once, so that what the signaller has established still
// holds when the waiter goes on: `if (!condition) c.wait();` is enough. The signaller waits on the
// urgent queue; when the monitor is left, or waited in, those who are urgent go on, in the order in
// which they signalled, and only when there are none somebody enters. For user-level threads and
// kernel threads at once. 24 bytes, 24 for each condition; no allocation.
//
// Blocking: lock(), wait() and a signal() that finds a waiter suspend the caller, unlock() never.
//   There are no time limits: who gives up waiting would come in without the condition.
// Order: unlocking, beginning to wait, and signalling a waiter happen before the next thread goes
//   on inside.
// Fairness: those inside, signalled or urgent, are passed by nobody from outside (K = 0). Entry is
//   that of conc::mutex: once a thread is the oldest at the door, at most K = 1000 others enter
//   before it.
// Cost: two switches for a signal that finds a waiter, where a Mesa monitor needs one.
// Destruction: legal as soon as nobody is inside or waits; the last to leave does not touch the
//   object after it has let the next one in.
// Errors: entering twice, leaving, waiting or signalling from outside, and destroying what is in
//   use, end the process with a message.
// Source: Hoare, "Monitors: an operating system structuring concept", 1974. There the two queues
// are semaphores; here a thread is handed the mutex itself.
class CONC_API CONC_CAPABILITY("monitor") hoare_monitor {
 public:
  class condition;
  // The bound K on bypasses at the door: see above.
  static constexpr std::uint32_t max_bypass = mutex::max_bypass;

  constexpr hoare_monitor() noexcept = default;
  hoare_monitor(const hoare_monitor&) = delete;
  hoare_monitor& operator=(const hoare_monitor&) = delete;

  void lock() noexcept CONC_ACQUIRE() CONC_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
  [[nodiscard]] bool try_lock() noexcept CONC_TRY_ACQUIRE() CONC_NO_THREAD_SAFETY_ANALYSIS {
    return mutex_.try_lock();
  }
  void unlock() noexcept CONC_RELEASE() CONC_NO_THREAD_SAFETY_ANALYSIS {
    // To be asked only by who is inside; others are found out by what follows.
    if (!urgent_.empty()) [[unlikely]]
      return hand_to_urgent();
    mutex_.unlock();
  }

 private:
  static void pass_on(detail::task& self, void* monitor) noexcept;
  static void pass_to(detail::task& self, void* call) noexcept;
  void hand_to_urgent() noexcept;

  mutex mutex_;
  detail::monitor_queue urgent_;  // signallers
};

// A condition of a monitor, which must outlive it. All members are called from inside.
class CONC_API hoare_monitor::condition {
 public:
  constexpr explicit condition(hoare_monitor& m) noexcept : monitor_(m) {}
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;
  ~condition() {
    if (!waiters_.empty()) [[unlikely]]
      destroyed_in_use();
  }

  // Gives the monitor away and waits until a signal gives it back. A signal goes to the least rank,
  // among equals to the one who has waited longest ("scheduled wait").
  void wait(std::uint64_t rank = 0) noexcept;

  // Hands the monitor to the first waiter, and returns with it when the urgent queue's turn has
  // come; returns at once if nobody waits, and nothing is remembered.
  void signal() noexcept;

  [[nodiscard]] bool empty() const noexcept { return waiters_.empty(); }
  // How many wait; takes as many steps.
  [[nodiscard]] std::size_t size() const noexcept { return waiters_.size(); }
  // Of the first waiter; there must be one.
  [[nodiscard]] std::uint64_t least_rank() const noexcept { return waiters_.least_rank(); }

 private:
  [[noreturn]] void destroyed_in_use() noexcept;

  hoare_monitor& monitor_;
  detail::monitor_queue waiters_;
};

}  // namespace conc

#endif  // CONC_HOARE_MONITOR_H
