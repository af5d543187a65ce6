#include "conc/condition_variable.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <vector>

#include "conc/runtime.h"
#include "support/crew.h"
#include "support/eventually.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually;
using conc_test::eventually_parked;
using conc_test::parked_at;
using steady = std::chrono::steady_clock;
using unique_lock = std::unique_lock<conc::mutex>;

static_assert(sizeof(conc::condition_variable) == 4);

TEST(condition_variable, wait_gives_the_mutex_away_and_has_it_again) {
  conc_test::in_both_worlds([](const char* who) {
    conc::mutex m;
    conc::condition_variable cv;
    int stage = 0;
    crew waiter;
    const auto wait = [&](int) {
      unique_lock lock(m);
      stage = 1;
      cv.wait(lock, [&] { return stage == 2; });
      stage = 3;
      EXPECT_TRUE(lock.owns_lock());
    };
    waiter.mixed(1, wait);
    ASSERT_TRUE(eventually_parked(&cv, 1)) << who;
    {
      const std::lock_guard guard(m);  // would wait for ever if the waiter had kept it
      EXPECT_EQ(stage, 1) << who;
      stage = 2;
    }
    cv.notify_one();
    waiter.join();
    EXPECT_EQ(stage, 3) << who;
  });
}

// Waiters of both kinds arrive one by one; each notification releases exactly the oldest.
TEST(condition_variable, notify_one_wakes_exactly_one_and_the_oldest_first) {
  constexpr int n = 8;
  conc::mutex m;
  conc::condition_variable cv;
  std::vector<int> order;
  const auto woken = [&] {
    const std::lock_guard guard(m);
    return static_cast<int>(order.size());
  };
  crew waiters;
  for (int i = 0; i < n; ++i) {
    const auto wait = [&](int me) {
      unique_lock lock(m);
      cv.wait(lock);
      order.push_back(me);
    };
    i % 2 == 0 ? waiters.users(1, wait) : waiters.kernels(1, wait);
    ASSERT_TRUE(eventually_parked(&cv, i + 1));
  }
  for (int i = 0; i < n; ++i) {
    cv.notify_one();
    EXPECT_EQ(parked_at(&cv), n - i - 1);
    ASSERT_TRUE(eventually([&] { return woken() == i + 1; }));
  }
  waiters.join();
  for (int i = 0; i < n; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(condition_variable, notify_all_wakes_all_of_both_kinds) {
  conc::mutex m;
  conc::condition_variable cv;
  int woken = 0;
  crew waiters;
  waiters.mixed(20, [&](int) {
    unique_lock lock(m);
    cv.wait(lock);
    ++woken;
  });
  ASSERT_TRUE(eventually_parked(&cv, 20));
  cv.notify_all();
  EXPECT_EQ(parked_at(&cv), 0);
  waiters.join();
  EXPECT_EQ(woken, 20);
}

// With the mutex held, nobody who was notified may run, and all must get their turn afterwards.
TEST(condition_variable, notifications_under_the_mutex_are_not_lost) {
  for (const bool all : {true, false}) {
    conc::mutex m;
    conc::condition_variable cv;
    int woken = 0;
    crew waiters;
    waiters.mixed(6, [&](int) {
      unique_lock lock(m);
      cv.wait(lock);
      ++woken;
    });
    ASSERT_TRUE(eventually_parked(&cv, 6));
    {
      const std::lock_guard guard(m);
      if (all) {
        cv.notify_all();
      } else {
        for (int i = 0; i < 6; ++i) cv.notify_one();
      }
      EXPECT_EQ(woken, 0);
    }
    waiters.join();
    EXPECT_EQ(woken, 6);
  }
}

TEST(condition_variable, a_notification_is_not_stored_for_later) {
  conc::mutex m;
  conc::condition_variable cv;
  cv.notify_one();
  cv.notify_all();
  unique_lock lock(m);
  EXPECT_EQ(cv.wait_for(lock, 5ms), conc::cv_status::timeout);
}

TEST(condition_variable, a_timed_wait_never_ends_early) {
  conc_test::in_both_worlds([](const char* who) {
    conc::mutex m;
    conc::condition_variable cv;
    unique_lock lock(m);
    for (const auto time : {0ms, 1ms, 7ms, 30ms}) {
      const auto start = steady::now();
      EXPECT_EQ(cv.wait_for(lock, time), conc::cv_status::timeout) << who;
      EXPECT_GE(steady::now() - start, time) << who;
      EXPECT_TRUE(lock.owns_lock()) << who;
      EXPECT_EQ(parked_at(&cv), 0) << who;
    }
    const auto until = steady::now() + 10ms;
    EXPECT_EQ(cv.wait_until(lock, until), conc::cv_status::timeout) << who;
    EXPECT_GE(steady::now(), until) << who;
    const auto by_wall = std::chrono::system_clock::now() + 10ms;
    EXPECT_EQ(cv.wait_until(lock, by_wall), conc::cv_status::timeout) << who;
    EXPECT_GE(std::chrono::system_clock::now(), by_wall) << who;
    EXPECT_EQ(cv.wait_until(lock, steady::time_point::min()), conc::cv_status::timeout) << who;
    EXPECT_FALSE(cv.wait_for(lock, 5ms, [] { return false; })) << who;
    EXPECT_TRUE(cv.wait_for(lock, 0ms, [] { return true; })) << who;
  });
}

// One who leaves by its deadline takes nobody else's place: the others are still found.
TEST(condition_variable, a_timeout_leaves_the_other_waiters_in_their_order) {
  conc::mutex m;
  conc::condition_variable cv;
  std::atomic<int> timed_out{0}, woken{0};
  crew waiters;
  for (int i = 0; i < 6; ++i) {
    const auto wait = [&](int me) {
      unique_lock lock(m);
      if (me % 3 == 1) {
        EXPECT_EQ(cv.wait_for(lock, 1ms), conc::cv_status::timeout);
        ++timed_out;
      } else {
        cv.wait(lock);
        ++woken;
      }
    };
    i % 2 == 0 ? waiters.users(1, wait) : waiters.kernels(1, wait);
  }
  ASSERT_TRUE(eventually([&] { return timed_out == 2; }));
  ASSERT_TRUE(eventually_parked(&cv, 4));
  for (int i = 1; i <= 4; ++i) {
    cv.notify_one();
    ASSERT_TRUE(eventually([&] { return woken == i; }));
  }
  waiters.join();
}

// Notified in time means no_timeout, although the mutex only comes long after the deadline.
TEST(condition_variable, a_notified_wait_reports_no_timeout_however_late_the_mutex) {
  for (const bool user : {true, false}) {
    conc::mutex m;
    conc::condition_variable cv;
    steady::time_point deadline;
    std::atomic<bool> in_time{false};
    do {
      conc::cv_status result{};
      crew waiter;
      const auto wait = [&](int) {
        unique_lock lock(m);
        deadline = steady::now() + 200ms;
        result = cv.wait_until(lock, deadline);
      };
      user ? waiter.users(1, wait) : waiter.kernels(1, wait);
      if (!eventually_parked(&cv, 1)) continue;
      {
        const std::lock_guard guard(m);
        cv.notify_one();
        in_time = steady::now() < deadline;  // else this machine was too slow: once more
        conc::this_thread::sleep_until(deadline + 20ms);
      }
      waiter.join();
      EXPECT_TRUE(!in_time || result == conc::cv_status::no_timeout);
    } while (!in_time);
  }
}

TEST(condition_variable, can_be_destroyed_once_all_are_notified) {
  conc::mutex m;
  auto cv = std::make_unique<conc::condition_variable>();
  crew waiters;
  waiters.mixed(4, [&](int) {
    unique_lock lock(m);
    cv->wait(lock);
  });
  ASSERT_TRUE(eventually_parked(cv.get(), 4));
  const std::lock_guard guard(m);  // so that none of them has returned
  cv->notify_all();
  cv.reset();
}

}  // namespace
