#include "conc/latch.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::eventually_parked;

static_assert(sizeof(conc::latch) == 8);
static_assert(conc::latch::max() >= 0x7fffffff);

TEST(latch, opens_at_zero_and_not_before) {
  conc::latch l(3);
  EXPECT_FALSE(l.try_wait());
  l.count_down(2);
  EXPECT_FALSE(l.try_wait());
  l.count_down(0);
  EXPECT_FALSE(l.try_wait());
  l.count_down();
  EXPECT_TRUE(l.try_wait());
  l.wait();
  conc::latch open(0);
  EXPECT_TRUE(open.try_wait());
  open.wait();
}

TEST(latch, releases_all_waiters_of_both_kinds_at_once) {
  conc::latch l(2);
  std::atomic<int> through{0};
  crew waiters;
  waiters.mixed(10, [&](int) {
    l.wait();
    ++through;
  });
  ASSERT_TRUE(eventually_parked(&l, 10));
  l.count_down();
  EXPECT_EQ(conc_test::parked_at(&l), 10);
  EXPECT_EQ(through, 0);
  EXPECT_FALSE(l.try_wait());
  l.count_down();
  waiters.join();
  EXPECT_EQ(through, 10);
  EXPECT_TRUE(l.try_wait());
}

// What each did before it counted down, in plain memory, is seen by everyone who got through.
TEST(latch, what_came_before_a_count_down_is_seen_after_a_wait) {
  for (int round = 0; round < conc_test::scaled(200); ++round) {
    constexpr int n = 6;
    conc::latch l(n);
    std::vector<int> written(n, 0);
    crew()
        .mixed(n,
               [&](int me) {
                 written[static_cast<std::size_t>(me)] = me + 1;
                 l.arrive_and_wait();
                 int sum = 0;
                 for (const int w : written) sum += w;
                 EXPECT_EQ(sum, n * (n + 1) / 2);
               })
        .join();
  }
}

TEST(latch, may_be_destroyed_by_the_waiter_that_it_released) {
  for (int round = 0; round < conc_test::scaled(500); ++round) {
    auto l = std::make_unique<conc::latch>(1);
    conc::latch& there = *l;
    crew counters;
    counters.mixed(1, [&](int) { there.count_down(); });
    l->wait();
    l.reset();
  }
}

}  // namespace
