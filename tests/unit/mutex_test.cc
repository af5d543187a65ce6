#include "conc/mutex.h"

#include <gtest/gtest.h>

#include <atomic>
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
static_assert(!std::is_copy_constructible_v<conc::mutex> &&
              !std::is_copy_assignable_v<conc::mutex>);

TEST(mutex, keeps_user_and_kernel_threads_apart) {
  conc::mutex m;
  long counter = 0;
  const int rounds = scaled(20'000);
  crew()
      .mixed(6,
             [&](int) {
               for (int i = 0; i < rounds; ++i) {
                 const std::lock_guard guard(m);
                 ++counter;
               }
             })
      .join();
  EXPECT_EQ(counter, 6L * rounds);
}

TEST(mutex, try_lock_takes_a_free_one_and_leaves_a_held_one) {
  conc_test::in_both_worlds([](const char* who) {
    conc::mutex m;
    EXPECT_TRUE(m.try_lock()) << who;
    crew().mixed(2, [&](int) { EXPECT_FALSE(m.try_lock()); }).join();
    m.unlock();
    EXPECT_TRUE(m.try_lock()) << who;
    m.unlock();
  });
}

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

TEST(mutex, waiters_are_served_in_the_order_of_their_arrival) {
  conc::runtime one({.processors = 1});
  std::vector<int> order;
  one.run([&] {
    conc::mutex m;
    m.lock();
    std::vector<conc::thread> waiters;
    for (int i = 0; i < 6; ++i) {
      waiters.emplace_back([&, i] {
        const std::lock_guard guard(m);
        order.push_back(i);
      });
      ASSERT_TRUE(eventually_parked(&m, i + 1));
    }
    m.unlock();
    for (auto& t : waiters) t.join();
  });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
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

// With one processor the woken waiter cannot run before the barging thread suspends, so it is
// bypassed as often as the mutex allows: the bound itself is reached, and not exceeded.
TEST(mutex, the_oldest_waiter_is_bypassed_at_most_k_times_on_one_processor) {
  for (const bool by_try_lock : {false, true}) {
    conc::runtime one({.processors = 1});
    std::uint32_t bypasses = 0, at_entry = 0;
    one.run([&] {
      conc::mutex m;
      m.lock();
      bool entered = false;
      conc::thread waiter([&] {
        const std::lock_guard guard(m);
        at_entry = bypasses;
        entered = true;
      });
      ASSERT_TRUE(eventually_parked(&m, 1));
      bool held = true;
      while (!entered && bypasses < 5 * conc::mutex::max_bypass) {
        m.unlock();
        if (by_try_lock) {
          held = m.try_lock();
          if (!held) break;  // reserved for the waiter
        } else {
          m.lock();
        }
        if (!entered) ++bypasses;
      }
      if (held) m.unlock();
      waiter.join();
    });
    EXPECT_EQ(at_entry, conc::mutex::max_bypass) << (by_try_lock ? "try_lock" : "lock");
  }
}

// The same bound where barging threads of both kinds hammer the mutex at the same time.
TEST(mutex, the_oldest_waiter_is_bypassed_at_most_k_times_by_a_crowd) {
  for (int round = 0; round < scaled(20); ++round) {
    conc::mutex m;
    std::uint32_t bypasses = 0, at_entry = 0;
    std::atomic<bool> stop{false};
    m.lock();
    crew victim;
    const auto enter = [&](int) {
      const std::lock_guard guard(m);
      at_entry = bypasses;
      stop.store(true);
    };
    round % 2 == 0 ? victim.users(1, enter) : victim.kernels(1, enter);
    ASSERT_TRUE(eventually_parked(&m, 1));
    crew bargers;
    bargers.mixed(4, [&](int i) {
      while (!stop.load()) {
        if (i % 4 < 2) {
          m.lock();
        } else if (!m.try_lock()) {
          conc::this_thread::yield();
          continue;
        }
        ++bypasses;
        m.unlock();
      }
    });
    m.unlock();
    victim.join();
    bargers.join();
    ASSERT_LE(at_entry, conc::mutex::max_bypass) << "round " << round;
  }
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
