// Moments in the life of a mutex that one processor lets a test choose: there, what is ready does
// not run before the running thread suspends. `parked(m)` says how many wait to lock.
#ifndef CONC_TESTS_SUPPORT_MUTEX_MOMENTS_H
#define CONC_TESTS_SUPPORT_MUTEX_MOMENTS_H

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <mutex>

#include "conc/runtime.h"
#include "conc/thread.h"
#include "support/eventually.h"

namespace conc_test {

inline void burn_until(std::chrono::steady_clock::time_point t) {
  while (std::chrono::steady_clock::now() <= t) {
  }
}

// How often the oldest waiter was bypassed until it got in, by a thread that unlocks and at once
// locks again: as often as the mutex allows, for the woken waiter cannot run meanwhile. The waiter
// locks by a `Guard`.
template <class Mutex, class Guard = std::lock_guard<Mutex>, class Parked>
std::uint32_t bypasses_until_entry(bool by_try_lock, Parked parked) {
  conc::runtime one({.processors = 1});
  std::uint32_t bypasses = 0, at_entry = 0;
  one.run([&] {
    Mutex m;
    m.lock();
    bool entered = false;
    conc::thread waiter([&] {
      const Guard guard(m);
      at_entry = bypasses;
      entered = true;
    });
    ASSERT_TRUE(eventually([&] { return parked(m) == 1; }));
    bool held = true;
    while (!entered && bypasses < 5 * Mutex::max_bypass) {
      m.unlock();
      if (by_try_lock) {
        held = m.try_lock();
        if (!held) break;  // reserved for the waiter, or it is inside
      } else {
        m.lock();
      }
      if (!entered) ++bypasses;
    }
    if (held) m.unlock();
    waiter.join();
  });
  return at_entry;
}

// A woken waiter is passed by another thread until its deadline is over: it fails, and whoever
// waited behind it is served.
template <class Mutex, class Parked>
void expect_a_late_waiter_to_make_way(Parked parked) {
  using steady = std::chrono::steady_clock;
  conc::runtime one({.processors = 1});
  one.run([&] {
    Mutex m;
    m.lock();
    bool late_got = true, next_got = false;
    const auto deadline = steady::now() + std::chrono::milliseconds(20);
    conc::thread late([&] { late_got = m.try_lock_until(deadline); });
    while (parked(m) == 0 && steady::now() < deadline) conc::this_thread::yield();
    conc::thread next([&] {
      const std::lock_guard guard(m);
      next_got = true;
    });
    while (parked(m) < 2 && steady::now() < deadline) conc::this_thread::yield();
    m.unlock();  // wakes the first, which cannot run yet
    m.lock();
    burn_until(deadline);
    late.join();
    EXPECT_FALSE(late_got);
    m.unlock();
    next.join();
    EXPECT_TRUE(next_got);
  });
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_MUTEX_MOMENTS_H
