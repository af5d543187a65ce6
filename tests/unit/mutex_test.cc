// The mutex's own protocol; what it has in common with its relatives is in mutex_family_test.cc.
#include "conc/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <vector>

#include "conc/runtime.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually_parked;
using conc_test::scaled;

static_assert(sizeof(conc::mutex) == 8);

// The holder is a thread of the other kind each time, so both ways of being woken are seen.
TEST(mutex, unlock_wakes_a_parked_waiter_of_either_kind) {
  conc_test::in_both_worlds([](const char* who) {
    conc::mutex m;
    int guarded = 0;
    m.lock();
    crew waiters;
    waiters.mixed(2, [&](int) {
      const std::lock_guard guard(m);
      ++guarded;
    });
    ASSERT_TRUE(eventually_parked(&m, 2)) << who;
    guarded = 10;
    m.unlock();
    waiters.join();
    EXPECT_EQ(guarded, 12) << who;
  });
}

// The unlock comes while the waiter is on its way into the queue, held up at the bucket's lock: it
// has to look again before it sleeps. (The millisecond lets it get that far; nothing depends on
// it.)
TEST(mutex, an_unlock_just_before_the_wait_is_seen) {
  for (int round = 0; round < 10; ++round) {
    conc::mutex m;
    conc::detail::parking_bucket& bucket = conc::detail::bucket_of(&m);
    m.lock();
    bucket.lock.lock();
    crew waiter;
    const auto enter = [&](int) { const std::lock_guard guard(m); };
    round % 2 == 0 ? waiter.users(1, enter) : waiter.kernels(1, enter);
    conc::this_thread::sleep_for(1ms);
    m.unlock();
    bucket.lock.unlock();
    waiter.join();
  }
}

// The oldest is woken, but the mutex is taken again before it runs: it stays the oldest.
TEST(mutex, a_woken_waiter_that_loses_keeps_its_place) {
  conc::runtime one({.processors = 1});
  std::vector<int> order;
  one.run([&] {
    conc::mutex m;
    m.lock();
    std::vector<conc::thread> waiters;
    for (int i = 0; i < 3; ++i) {
      waiters.emplace_back([&, i] {
        const std::lock_guard guard(m);
        order.push_back(i);
      });
      ASSERT_TRUE(eventually_parked(&m, i + 1));
    }
    m.unlock();  // wakes the first, which cannot run yet
    m.lock();
    ASSERT_TRUE(eventually_parked(&m, 3));
    m.unlock();
    for (auto& t : waiters) t.join();
  });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(mutex, a_waiting_kernel_thread_sleeps) {
  conc::mutex m;
  m.lock();
  std::chrono::microseconds burnt{};
  crew waiter;
  waiter.kernels(1, [&](int) {
    const auto before = conc_test::usage_now(RUSAGE_THREAD).cpu;
    m.lock();
    burnt = conc_test::usage_now(RUSAGE_THREAD).cpu - before;
    m.unlock();
  });
  ASSERT_TRUE(eventually_parked(&m, 1));
  conc::this_thread::sleep_for(200ms);  // what is measured: the CPU time of these 200 ms
  m.unlock();
  waiter.join();
  EXPECT_LT(burnt, 100ms);
}

TEST(mutex, works_with_the_standard_guards) {
  conc::mutex a, b;
  int counter = 0;
  const int rounds = scaled(2'000);
  crew()
      .mixed(4,
             [&](int i) {
               for (int k = 0; k < rounds; ++k) {
                 if (i % 2 == 0) {
                   const std::scoped_lock both(a, b);
                   ++counter;
                 } else {
                   const std::scoped_lock both(b, a);
                   ++counter;
                 }
               }
             })
      .join();
  EXPECT_EQ(counter, 4 * rounds);
  std::unique_lock first(a, std::try_to_lock), deferred(b, std::defer_lock);
  EXPECT_TRUE(first.owns_lock());
  EXPECT_FALSE(deferred.owns_lock());
}

}  // namespace
