#include "conc/two_phase_lock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>

#include "support/crew.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/mutex_moments.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc::spin_limit;
using conc_test::crew;

static_assert(sizeof(conc::two_phase_lock) <= 24);

TEST(two_phase_lock, its_limit_follows_the_measured_cost) {
  const auto c = conc::measured_block_cost();
  EXPECT_GT(c, 0ns);
  EXPECT_EQ(conc::measured_block_cost(), c);  // once measured, constant
  EXPECT_EQ(conc::two_phase_lock().limit(), c);
  EXPECT_EQ(conc::two_phase_lock(spin_limit::of_cost(8)).limit(), 8 * c);
  EXPECT_EQ(conc::two_phase_lock(spin_limit::of_cost(0.5)).limit(), c / 2);
  EXPECT_EQ(conc::two_phase_lock(spin_limit::none()).limit(), 0ns);
  EXPECT_EQ(conc::two_phase_lock(spin_limit::time(123ns)).limit(), 123ns);
  EXPECT_EQ(conc::two_phase_lock(spin_limit::always()).limit(), std::chrono::nanoseconds::max());
}

TEST(two_phase_lock, excludes_whatever_its_limit) {
  for (const spin_limit limit :
       {spin_limit::none(), spin_limit::of_cost(), spin_limit::of_cost(8), spin_limit::always()}) {
    conc::two_phase_lock lock(limit);
    long entries = 0;
    int inside = 0;
    const int rounds = conc_test::scaled(3'000);
    crew()
        .mixed(6,
               [&](int) {
                 for (int i = 0; i < rounds; ++i) {
                   const std::lock_guard guard(lock);
                   ++inside;
                   ++entries;
                   // A holder that is off its CPU for a while shows whether others come in.
                   if (i % 64 == 0) conc::this_thread::yield();
                   EXPECT_EQ(inside, 1);
                   --inside;
                 }
               })
        .join();
    EXPECT_EQ(entries, 6L * rounds) << lock.limit().count();
  }
}

// After the first phase the waiter is asleep, of whatever kind it is, and an unlock wakes it.
TEST(two_phase_lock, blocks_after_the_limit) {
  for (const spin_limit limit : {spin_limit::none(), spin_limit::of_cost()}) {
    conc::two_phase_lock lock(limit);
    lock.lock();
    crew waiters;
    waiters.mixed(2, [&](int) { const std::lock_guard guard(lock); });
    EXPECT_TRUE(conc_test::eventually_parked(&lock, 2));
    lock.unlock();
    waiters.join();
  }
}

TEST(two_phase_lock, always_spinning_never_blocks) {
  conc::two_phase_lock lock(spin_limit::always());
  lock.lock();
  std::atomic<int> began{0};
  crew waiters;
  waiters.mixed(2, [&](int) {
    ++began;
    const std::lock_guard guard(lock);
  });
  EXPECT_TRUE(conc_test::eventually([&] { return began == 2; }));
  for (int i = 0; i < 50; ++i) {
    conc::this_thread::yield();
    EXPECT_EQ(conc_test::parked_at(&lock), 0);
  }
  lock.unlock();
  waiters.join();
}

struct lock_that_blocks : conc::two_phase_lock {
  lock_that_blocks() : two_phase_lock(spin_limit::none()) {}
};

TEST(two_phase_lock, who_blocks_is_bypassed_at_most_k_times) {
  const auto parked = [](const lock_that_blocks& l) { return conc_test::parked_at(&l); };
  for (const bool by_try_lock : {false, true}) {
    EXPECT_EQ(conc_test::bypasses_until_entry<lock_that_blocks>(by_try_lock, parked),
              conc::two_phase_lock::max_bypass)
        << (by_try_lock ? "try_lock" : "lock");
  }
}

}  // namespace
