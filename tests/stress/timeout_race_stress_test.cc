// Deadlines that pass at the moment of the wake.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>
#include <vector>

#include "conc/condition_variable.h"
#include "conc/mutex.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::scaled;
using steady = std::chrono::steady_clock;

// One notification for each item. A timed consumer that reports a timeout goes away without a look
// at the items, as it may: it was not notified. If it was all the same, and so swallowed what was
// meant for somebody else, the item stays and the patient consumers sleep beside it.
template <class ConditionVariable>
void swallow_nothing() {
  conc::mutex m;
  ConditionVariable cv;
  long items = 0, eaten = 0, early = 0;
  bool stop = false;
  crew all;
  all.mixed(6, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 1));
    std::unique_lock lock(m);
    while (!stop) {
      const auto until = steady::now() + std::chrono::microseconds(random() % 80);
      if (cv.wait_until(lock, until) == conc::cv_status::timeout) {
        if (steady::now() < until) ++early;
      } else if (items > 0) {
        --items, ++eaten;
      }
    }
  });
  all.mixed(2, [&](int) {
    std::unique_lock lock(m);
    for (;;) {
      cv.wait(lock, [&] { return items > 0 || stop; });
      if (items == 0) return;
      --items, ++eaten;
    }
  });
  std::minstd_rand random(77);
  const int n = scaled(10'000);
  for (int i = 1; i <= n; ++i) {
    {
      const std::lock_guard guard(m);
      ++items;
      cv.notify_one();
    }
    if (random() % 4 == 0) conc::this_thread::sleep_for(std::chrono::microseconds(random() % 80));
    if (i % 10 == 0) {
      ASSERT_TRUE(conc_test::eventually([&] {
        const std::lock_guard guard(m);
        return items == 0;
      })) << "after item "
          << i;
    }
  }
  {
    const std::lock_guard guard(m);
    stop = true;
    cv.notify_all();
  }
  all.join();
  EXPECT_EQ(early, 0);
  EXPECT_EQ(eaten, n);
}
TEST(timeout_race_stress, a_notification_is_never_swallowed_by_a_timeout) {
  swallow_nothing<conc::condition_variable>();
}
TEST(timeout_race_stress, a_notification_of_any_is_never_swallowed_by_a_timeout) {
  swallow_nothing<conc::condition_variable_any>();
}

// A stop request and a notification for the same waiter at the same time; behind it waits another,
// who has no deadline and no token. Whatever comes first, one of the two eats the item.
TEST(timeout_race_stress, a_notification_is_never_swallowed_by_a_stop_request) {
  conc::mutex m;
  conc::condition_variable_any cv;
  long items = 0, eaten = 0, waiting = 0, by_request = 0;
  bool end = false;
  const auto until_waiting = [&](long n) {
    return conc_test::eventually([&] {
      const std::lock_guard guard(m);
      return waiting == n;
    });
  };
  const auto wait_and_eat = [&](std::stop_token token) {
    std::unique_lock lock(m);
    ++waiting;
    const bool served = cv.wait(lock, token, [&] { return items > 0 || end; });
    --waiting;
    if (served && !end) --items, ++eaten;
    by_request += !served;
  };
  const int n = scaled(1'500);
  for (int i = 0; i < n; ++i) {
    std::stop_source source;
    crew first, second, others;
    const auto stoppable = [&](int) { wait_and_eat(source.get_token()); };
    const auto patient = [&](int) { wait_and_eat({}); };
    i % 2 == 0 ? first.users(1, stoppable) : first.kernels(1, stoppable);
    ASSERT_TRUE(until_waiting(1));
    i % 4 < 2 ? second.users(1, patient) : second.kernels(1, patient);
    ASSERT_TRUE(until_waiting(2));
    others.mixed(1, [&](int) { source.request_stop(); });
    {
      const std::lock_guard guard(m);
      ++items;
      if (i % 3 == 0) cv.notify_one();
    }
    if (i % 3 != 0) cv.notify_one();
    first.join();
    ASSERT_TRUE(conc_test::eventually([&] {
      const std::lock_guard guard(m);
      return items == 0;
    })) << "round "
        << i;
    others.join();
    {
      const std::lock_guard guard(m);
      end = true;
      cv.notify_all();
    }
    second.join();
    end = false;
  }
  EXPECT_EQ(eaten, n);
}

// A thread whose deadline has just passed goes on to another wait, of every kind: the leftover of
// the old deadline must not end, or crash, the new one.
TEST(timeout_race_stress, a_stale_expiry_never_ends_a_later_wait) {
  conc::runtime r({.processors = 4});
  conc::counting_semaphore<> s(0);
  std::atomic<bool> stop{false};
  std::atomic<long> taken{0}, faults{0};
  std::vector<conc::thread> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(r.spawn([&, i] {
      std::minstd_rand random(static_cast<unsigned>(i + 1));
      while (!stop) {
        taken += s.try_acquire_for(std::chrono::microseconds(random() % 50));
        switch (random() % 3) {
          case 0: {
            const auto until = steady::now() + std::chrono::microseconds(random() % 100);
            conc::this_thread::sleep_until(until);
            if (steady::now() < until) ++faults;
            break;
          }
          case 1: {
            bool ended = false;
            conc::thread child([&] {
              conc::this_thread::yield();
              ended = true;
            });
            child.join();
            if (!ended) ++faults;
            break;
          }
          default:
            conc::this_thread::yield();
        }
      }
    }));
  }
  long released = 0;
  std::minstd_rand random(5);
  for (int i = 0; i < scaled(15'000); ++i) {
    s.release();
    ++released;
    if (random() % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 50));
  }
  stop = true;
  for (auto& t : all) t.join();
  EXPECT_EQ(faults, 0);
  EXPECT_EQ(taken + s.value(), released);
}

// The deadline of a wait on a condition variable, while the waiter is being moved to the mutex.
TEST(timeout_race_stress, a_requeued_waiter_keeps_its_notification) {
  conc::mutex m;
  conc::condition_variable cv;
  int generation = 0;
  bool stop = false;
  std::atomic<long> late{0};
  crew all;
  all.mixed(6, [&](int) {
    std::unique_lock lock(m);
    while (!stop) {
      const int mine = generation;
      const auto status = cv.wait_for(lock, 100us);
      // Whoever was notified sees what was changed before; a timeout may see it, too.
      if (status == conc::cv_status::no_timeout && generation == mine && !stop) ++late;
    }
  });
  std::minstd_rand random(6);
  for (int i = 0; i < scaled(4'000); ++i) {
    {
      const std::lock_guard guard(m);
      ++generation;
      cv.notify_all();
      if (i % 8 == 0) conc::this_thread::sleep_for(120us);  // past the deadlines of the requeued
    }
    conc::this_thread::sleep_for(std::chrono::microseconds(random() % 150));
  }
  {
    const std::lock_guard guard(m);
    stop = true;
    cv.notify_all();
  }
  all.join();
  EXPECT_EQ(late, 0);
  EXPECT_EQ(conc_test::parked_at(&cv), 0);
}

}  // namespace
