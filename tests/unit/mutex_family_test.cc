// What the mutexes of <mutex> have in common: one list of promises for all of them.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <type_traits>
#include <vector>

#include "conc/mutex.h"
#include "conc/runtime.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/mutex_moments.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::eventually_parked;
using conc_test::scaled;

static_assert(sizeof(conc::timed_mutex) == 8);
static_assert(sizeof(conc::recursive_mutex) == 16 && sizeof(conc::recursive_timed_mutex) == 16);

template <class Mutex>
class mutex_family : public testing::Test {};
using mutexes = testing::Types<conc::mutex, conc::timed_mutex, conc::recursive_mutex,
                               conc::recursive_timed_mutex>;
TYPED_TEST_SUITE(mutex_family, mutexes);

TYPED_TEST(mutex_family, cannot_be_copied_and_needs_no_code_to_be_made) {
  static_assert(!std::is_copy_constructible_v<TypeParam>);
  static_assert(!std::is_copy_assignable_v<TypeParam> && !std::is_move_assignable_v<TypeParam>);
  static constinit TypeParam made_by_the_compiler;
  const std::lock_guard guard(made_by_the_compiler);
}

// A yield between the read and the write of the counter lets the others try, also where each would
// be done before the next begins.
TYPED_TEST(mutex_family, keeps_user_and_kernel_threads_apart) {
  TypeParam m;
  long counter = 0;
  const int rounds = scaled(10'000);
  crew()
      .mixed(6,
             [&](int) {
               for (int i = 0; i < rounds; ++i) {
                 const std::lock_guard guard(m);
                 const long before = counter;
                 if (i % 32 == 0) conc::this_thread::yield();
                 counter = before + 1;
               }
             })
      .join();
  EXPECT_EQ(counter, 6L * rounds);
}

TYPED_TEST(mutex_family, try_lock_takes_a_free_one_and_leaves_a_held_one) {
  conc_test::in_both_worlds([](const char* who) {
    TypeParam m;
    ASSERT_TRUE(m.try_lock()) << who;
    crew().mixed(2, [&](int) { EXPECT_FALSE(m.try_lock()); }).join();
    m.unlock();
    EXPECT_TRUE(m.try_lock()) << who;
    m.unlock();
  });
}

TYPED_TEST(mutex_family, waiters_are_served_in_the_order_of_their_arrival) {
  conc::runtime one({.processors = 1});
  std::vector<int> order;
  one.run([&] {
    TypeParam m;
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

// The bound itself is reached, and not exceeded.
TYPED_TEST(mutex_family, the_oldest_waiter_is_bypassed_at_most_k_times_on_one_processor) {
  const auto parked = [](const TypeParam& m) { return conc_test::parked_at(&m); };
  for (const bool by_try_lock : {false, true}) {
    EXPECT_EQ(conc_test::bypasses_until_entry<TypeParam>(by_try_lock, parked),
              TypeParam::max_bypass)
        << (by_try_lock ? "try_lock" : "lock");
  }
}

// The same bound where barging threads of both kinds hammer the mutex at the same time.
TYPED_TEST(mutex_family, the_oldest_waiter_is_bypassed_at_most_k_times_by_a_crowd) {
  for (int round = 0; round < scaled(20); ++round) {
    TypeParam m;
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
    ASSERT_LE(at_entry, TypeParam::max_bypass) << "round " << round;
  }
}

// All of them at once, by the standard's way out of deadlock.
TEST(mutex_family, std_lock_takes_one_of_each_kind) {
  conc::mutex a;
  conc::timed_mutex b;
  conc::recursive_mutex c;
  conc::recursive_timed_mutex d;
  int counter = 0;
  const int rounds = scaled(2'000);
  crew()
      .mixed(4,
             [&](int i) {
               for (int k = 0; k < rounds; ++k) {
                 if (i % 2 == 0) {
                   const std::scoped_lock all(a, b, c, d);
                   ++counter;
                 } else {
                   std::unique_lock<conc::timed_mutex> second(b, std::defer_lock);
                   std::lock(d, second, a);
                   ++counter;
                   a.unlock();
                   d.unlock();
                 }
               }
             })
      .join();
  EXPECT_EQ(counter, 4 * rounds);
}

}  // namespace
