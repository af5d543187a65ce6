// Waiting for a mutex until a deadline: how waiters leave, and what they leave behind.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <vector>

#include "conc/mutex.h"
#include "conc/runtime.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/mutex_moments.h"

namespace {

using namespace std::chrono_literals;
using conc_test::burn_until;
using conc_test::crew;
using conc_test::eventually;
using conc_test::eventually_parked;
using conc_test::parked_at;
using steady = std::chrono::steady_clock;

TEST(timed_mutex, never_gives_up_early) {
  conc_test::in_both_worlds([](const char* who) {
    conc::timed_mutex m;
    m.lock();
    const auto try_it = [&](int) {
      for (const auto time : {0ms, 1ms, 7ms, 25ms}) {
        const auto start = steady::now();
        EXPECT_FALSE(m.try_lock_for(time)) << who;
        EXPECT_GE(steady::now() - start, time) << who;
      }
      const auto until = std::chrono::system_clock::now() + 10ms;
      EXPECT_FALSE(m.try_lock_until(until)) << who;
      EXPECT_GE(std::chrono::system_clock::now(), until) << who;
      EXPECT_FALSE(m.try_lock_until(steady::time_point::min())) << who;
      EXPECT_FALSE(m.try_lock_for(-1h)) << who;
    };
    crew().users(1, try_it).kernels(1, try_it).join();
    m.unlock();
    EXPECT_TRUE(m.try_lock_until(steady::time_point::min())) << who;
    m.unlock();
    EXPECT_TRUE(m.try_lock_for(std::chrono::hours::max())) << who;
    m.unlock();
  });
}

// The destructor looks at the word: a mark of a waiter who has gone would end the process there.
TEST(timed_mutex, who_gives_up_leaves_no_trace) {
  for (int round = 0; round < 10; ++round) {
    conc::timed_mutex m;
    m.lock();
    crew().mixed(4, [&](int) { EXPECT_FALSE(m.try_lock_for(1ms)); }).join();
    EXPECT_EQ(parked_at(&m), 0);
    m.unlock();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  }
}

TEST(timed_mutex, who_gives_up_leaves_the_others_in_their_order) {
  conc::timed_mutex m;
  std::vector<int> order;
  std::atomic<int> gave_up{0};
  crew waiters;
  m.lock();
  for (int i = 0; i < 6; ++i) {
    const int before = parked_at(&m) + gave_up;
    const auto wait = [&](int me) {
      if (me % 3 == 1) {
        EXPECT_FALSE(m.try_lock_for(20ms));
        ++gave_up;
      } else {
        const std::lock_guard guard(m);
        order.push_back(me);
      }
    };
    i % 2 == 0 ? waiters.users(1, wait) : waiters.kernels(1, wait);
    ASSERT_TRUE(eventually([&] { return parked_at(&m) + gave_up > before; }));
  }
  ASSERT_TRUE(eventually([&] { return gave_up == 2; }));
  EXPECT_EQ(parked_at(&m), 4);
  m.unlock();
  waiters.join();
  EXPECT_EQ(order, (std::vector<int>{0, 2, 3, 5}));
}

TEST(timed_mutex, who_is_woken_in_time_gets_it) {
  conc_test::in_both_worlds([](const char* who) {
    conc::timed_mutex m;
    std::atomic<int> got{0};
    m.lock();
    crew waiters;
    waiters.mixed(4, [&](int) {
      if (!m.try_lock_for(60s)) return;
      ++got;
      m.unlock();
    });
    ASSERT_TRUE(eventually_parked(&m, 4)) << who;
    m.unlock();
    waiters.join();
    EXPECT_EQ(got, 4) << who;
  });
}

// On one processor what is ready does not run before this thread suspends, so the moment can be
// chosen.
TEST(timed_mutex, a_woken_waiter_that_is_late_takes_a_free_mutex) {
  conc::runtime one({.processors = 1});
  one.run([] {
    conc::timed_mutex m;
    m.lock();
    bool got = false;
    const auto deadline = steady::now() + 20ms;
    conc::thread waiter([&] {
      got = m.try_lock_until(deadline);
      if (got) m.unlock();
    });
    while (parked_at(&m) == 0 && steady::now() < deadline) conc::this_thread::yield();
    const bool in_time = parked_at(&m) == 1;
    m.unlock();
    burn_until(deadline);
    waiter.join();
    EXPECT_EQ(got, in_time);
  });
}

TEST(timed_mutex, a_woken_waiter_that_is_late_makes_way_for_the_next) {
  conc_test::expect_a_late_waiter_to_make_way<conc::timed_mutex>(
      [](const conc::timed_mutex& m) { return parked_at(&m); });
}

}  // namespace
