#include "conc/semaphore.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "conc/runtime.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually;
using conc_test::eventually_parked;
using conc_test::scaled;
using steady = std::chrono::steady_clock;

static_assert(sizeof(conc::counting_semaphore<>) == 8);
static_assert(conc::counting_semaphore<7>::max() == 7 && conc::binary_semaphore::max() == 1);

TEST(semaphore, hands_out_what_it_has) {
  conc::counting_semaphore<> s(2);
  EXPECT_EQ(s.value(), 2);
  s.acquire();
  EXPECT_TRUE(s.try_acquire());
  EXPECT_EQ(s.value(), 0);
  EXPECT_FALSE(s.try_acquire());
  EXPECT_EQ(s.value(), 0);
  s.release(3);
  EXPECT_EQ(s.value(), 3);
  EXPECT_TRUE(s.try_acquire_for(0ms));
  EXPECT_TRUE(s.try_acquire_until(steady::time_point::min()));
  EXPECT_TRUE(s.try_acquire_until(std::chrono::system_clock::now() - 1s));
  EXPECT_EQ(s.value(), 0);
  s.release(0);
  EXPECT_EQ(s.value(), 0);
}

TEST(semaphore, a_negative_value_counts_the_waiters) {
  conc::counting_semaphore<> s(0);
  crew waiters;
  waiters.mixed(5, [&](int) { s.acquire(); });
  ASSERT_TRUE(eventually([&] { return s.value() == -5; }));
  s.release(2);
  EXPECT_EQ(s.value(), -3);
  s.release(3);
  EXPECT_EQ(s.value(), 0);
  waiters.join();
  EXPECT_EQ(s.value(), 0);
}

TEST(semaphore, grants_go_to_the_waiters_in_their_order) {
  constexpr int n = 8;
  conc::counting_semaphore<> s(0);
  std::vector<int> order;
  std::atomic<int> granted{0};
  crew waiters;
  for (int i = 0; i < n; ++i) {
    const auto wait = [&](int me) {
      s.acquire();
      order.push_back(me);  // one at a time: the next release waits for this one
      ++granted;
    };
    i % 2 == 0 ? waiters.users(1, wait) : waiters.kernels(1, wait);
    ASSERT_TRUE(eventually_parked(&s, i + 1));
  }
  for (int i = 0; i < n; ++i) {
    s.release();
    ASSERT_TRUE(eventually([&] { return granted == i + 1; }));
  }
  waiters.join();
  for (int i = 0; i < n; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

// K = 0: what is released while somebody waits is his, however fast a newcomer is.
TEST(semaphore, a_newcomer_cannot_take_a_waiters_permit) {
  conc::counting_semaphore<> s(0);
  crew waiters;
  waiters.mixed(2, [&](int) { s.acquire(); });
  ASSERT_TRUE(eventually([&] { return s.value() == -2; }));
  s.release();
  EXPECT_FALSE(s.try_acquire());
  s.release();
  EXPECT_FALSE(s.try_acquire());
  waiters.join();
}

TEST(semaphore, a_timed_acquire_never_gives_up_early_and_leaves_no_trace) {
  conc_test::in_both_worlds([](const char* who) {
    conc::counting_semaphore<> s(0);
    for (const auto time : {0ms, 1ms, 8ms, 25ms}) {
      const auto start = steady::now();
      EXPECT_FALSE(s.try_acquire_for(time)) << who;
      EXPECT_GE(steady::now() - start, time) << who;
      EXPECT_EQ(s.value(), 0) << who;
      EXPECT_EQ(conc_test::parked_at(&s), 0) << who;
    }
    const auto until = std::chrono::system_clock::now() + 10ms;
    EXPECT_FALSE(s.try_acquire_until(until)) << who;
    EXPECT_GE(std::chrono::system_clock::now(), until) << who;
  });
}

TEST(semaphore, a_timed_acquire_takes_a_grant_that_comes_in_time) {
  conc::counting_semaphore<> s(0);
  std::atomic<int> got{0};
  crew waiters;
  waiters.mixed(4, [&](int) { got += s.try_acquire_for(60s); });
  ASSERT_TRUE(eventually_parked(&s, 4));
  s.release(4);
  waiters.join();
  EXPECT_EQ(got, 4);
}

// The permit comes when the deadline has passed, but before anybody has looked at the clock: it is
// the waiter's, and he takes it. (With one processor nobody looks while this thread runs.)
TEST(semaphore, a_grant_on_its_way_at_the_deadline_is_taken) {
  conc::runtime one({.processors = 1});
  one.run([] {
    for (int round = 0; round < 20; ++round) {
      conc::counting_semaphore<> s(0);
      const auto deadline = steady::now() + 1ms;
      bool got = false;
      conc::thread waiter([&] { got = s.try_acquire_until(deadline); });
      while (s.value() == 0 && steady::now() < deadline) conc::this_thread::yield();
      const bool waits = s.value() < 0;
      while (steady::now() <= deadline) {
      }
      s.release();
      EXPECT_EQ(s.value(), waits ? 0 : 1);
      waiter.join();
      EXPECT_EQ(got, waits);
    }
  });
}

// The release comes while the waiter is on its way into the queue, held up at the bucket's lock: it
// has to look again before it sleeps. (The millisecond lets it get that far; nothing depends on
// it.)
TEST(semaphore, a_release_just_before_the_wait_is_seen) {
  for (int round = 0; round < 10; ++round) {
    conc::counting_semaphore<> s(0);
    conc::detail::parking_bucket& bucket = conc::detail::bucket_of(&s);
    bucket.lock.lock();
    crew waiter;
    const auto wait = [&](int) { s.acquire(); };
    round % 2 == 0 ? waiter.users(1, wait) : waiter.kernels(1, wait);
    conc::this_thread::sleep_for(1ms);
    s.release();
    bucket.lock.unlock();
    waiter.join();
    EXPECT_EQ(s.value(), 0);
  }
}

TEST(semaphore, a_deadline_in_the_middle_leaves_the_other_waiters) {
  conc::counting_semaphore<> s(0);
  std::atomic<int> gave_up{0};
  crew waiters;
  waiters.mixed(6, [&](int me) {
    if (me % 3 == 1) {
      EXPECT_FALSE(s.try_acquire_for(1ms));
      ++gave_up;
    } else {
      s.acquire();
    }
  });
  ASSERT_TRUE(eventually([&] { return gave_up == 2; }));
  ASSERT_TRUE(eventually([&] { return s.value() == -4; }));
  s.release(4);
  waiters.join();
  EXPECT_EQ(s.value(), 0);
}

TEST(semaphore, a_binary_one_excludes_user_and_kernel_threads) {
  conc::binary_semaphore s(1);
  long counter = 0;
  const int rounds = scaled(5'000);
  crew()
      .mixed(6,
             [&](int) {
               for (int i = 0; i < rounds; ++i) {
                 s.acquire();
                 ++counter;
                 s.release();
               }
             })
      .join();
  EXPECT_EQ(counter, 6L * rounds);
}

TEST(semaphore, at_most_its_permits_are_inside_at_once) {
  conc::counting_semaphore<3> s(3);
  std::atomic<int> inside{0}, most{0};
  crew()
      .mixed(8,
             [&](int) {
               for (int i = 0; i < scaled(1'000); ++i) {
                 s.acquire();
                 const int now = ++inside;
                 if (now > most) most = now;
                 if (i % 8 == 0) conc::this_thread::yield();
                 --inside;
                 s.release();
               }
             })
      .join();
  EXPECT_LE(most, 3);
  EXPECT_EQ(s.value(), 3);
}

}  // namespace
