#include "conc/barrier.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "conc/mutex.h"
#include "conc/thread.h"
#include "locks/barrier_core.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::eventually_parked;
using conc_test::scaled;
using MisuseDeathTest = conc_test::death_test;

static_assert(sizeof(conc::barrier<>) == 16);
static_assert(conc::barrier<>::max() == 0x7fffffff);
static_assert(!std::is_copy_constructible_v<conc::barrier<>>);
static_assert(!std::is_copy_constructible_v<conc::barrier<>::arrival_token>);
static_assert(std::is_nothrow_move_constructible_v<conc::barrier<>::arrival_token>);

TEST(barrier, nobody_passes_before_all_have_arrived) {
  conc::barrier b(8);
  std::atomic<int> through{0};
  crew all;
  all.mixed(7, [&](int) {
    b.arrive_and_wait();
    ++through;
  });
  ASSERT_TRUE(eventually_parked(&b, 7));
  EXPECT_EQ(through, 0);
  b.arrive_and_wait();
  all.join();
  EXPECT_EQ(through, 7);
}

TEST(barrier, phases_do_not_mix) {
  constexpr int n = 7;
  const int rounds = scaled(2'000);
  std::vector<int> at(n, 0);  // plain: each is its owner's, and read by all in the next half
  bool mixed = false;
  conc::barrier b(n);
  crew()
      .mixed(n,
             [&](int me) {
               for (int i = 1; i <= rounds; ++i) {
                 at[static_cast<std::size_t>(me)] = i;
                 b.arrive_and_wait();
                 for (const int other : at) {
                   if (other != i) mixed = true;
                 }
                 b.arrive_and_wait();
               }
             })
      .join();
  EXPECT_FALSE(mixed);
}

TEST(barrier, the_completion_runs_once_a_phase_before_anybody_goes_on) {
  constexpr int n = 5;
  const int rounds = scaled(1'000);
  int completed = 0, sum = 0;  // plain: the barrier orders all of it
  std::vector<int> parts(n, 0);
  conc::barrier b(n, [&]() noexcept {
    ++completed;
    for (const int p : parts) sum += p;
  });
  crew()
      .mixed(n,
             [&](int me) {
               for (int i = 1; i <= rounds; ++i) {
                 parts[static_cast<std::size_t>(me)] = me + i;
                 b.arrive_and_wait();
                 EXPECT_EQ(completed, i);
               }
             })
      .join();
  EXPECT_EQ(completed, rounds);
  EXPECT_EQ(sum, rounds * (n * (n - 1) / 2) + n * (rounds * (rounds + 1) / 2));
}

// It may suspend: the others wait for it as for an arrival.
TEST(barrier, the_completion_may_wait) {
  conc::mutex m;
  conc::barrier b(3, [&]() noexcept {
    conc::this_thread::yield();
    const std::lock_guard guard(m);
  });
  crew()
      .mixed(3,
             [&](int) {
               for (int i = 0; i < scaled(300); ++i) b.arrive_and_wait();
             })
      .join();
}

TEST(barrier, one_can_arrive_now_and_wait_later) {
  conc_test::in_both_worlds([](const char* who) {
    conc::barrier b(3);
    auto token = b.arrive(2);
    std::atomic<bool> through{false};
    crew waiter;
    waiter.mixed(1, [&](int) {
      b.wait(std::move(token));
      through = true;
    });
    ASSERT_TRUE(eventually_parked(&b, 1)) << who;
    EXPECT_FALSE(through) << who;
    auto last = b.arrive();
    b.wait(std::move(last));
    waiter.join();
    // The same tokens' phase is over: no wait any more. The next phase counts anew.
    auto first = b.arrive(), second = b.arrive(), third = b.arrive();
    b.wait(std::move(first));
    b.wait(std::move(third));
    second = b.arrive(2);
    EXPECT_EQ(conc_test::parked_at(&b), 0) << who;
  });
}

TEST(barrier, who_drops_out_is_missed_from_the_next_phase_on) {
  conc::barrier b(3);
  std::atomic<int> rounds{0};
  crew stay;
  stay.mixed(2, [&](int) {
    for (int i = 0; i < 4; ++i) {
      b.arrive_and_wait();
      ++rounds;
    }
  });
  ASSERT_TRUE(eventually_parked(&b, 2));
  EXPECT_EQ(rounds, 0);
  b.arrive_and_drop();
  stay.join();
  EXPECT_EQ(rounds, 8);
}

TEST(barrier, may_be_destroyed_by_one_who_was_released) {
  for (int round = 0; round < scaled(500); ++round) {
    auto b = std::make_unique<conc::barrier<>>(2);
    conc::barrier<>& there = *b;
    crew other;
    other.mixed(1, [&](int) { static_cast<void>(there.arrive()); });
    b->arrive_and_wait();
    b.reset();
  }
}

TEST(barrier, of_nobody_can_be_made) { conc::barrier<> b(0); }

// Phases that are numbered with two bits.
TEST(barrier, the_number_of_the_phase_may_wrap) {
  constexpr int n = 3;
  conc::detail::barrier_core<2> b(n);
  std::atomic<int> arrived{0};
  const int rounds = scaled(1'000);
  crew()
      .mixed(n,
             [&](int) {
               for (int i = 1; i <= rounds; ++i) {
                 ++arrived;
                 bool last;
                 const std::uint32_t phase = b.arrive(1, last);
                 EXPECT_EQ(phase, static_cast<std::uint32_t>(i - 1) % 4);
                 if (last) {
                   b.end_phase();
                 } else {
                   b.wait(phase);
                 }
                 EXPECT_GE(arrived, n * i);
               }
             })
      .join();
}

TEST_F(MisuseDeathTest, barrier_with_too_many_arrivals) {
  EXPECT_DEATH(
      {
        conc::barrier b(2);
        static_cast<void>(b.arrive(3));
      },
      "a barrier has more arrivals than it expects");
  EXPECT_DEATH(
      {
        conc::barrier b(2);
        static_cast<void>(b.arrive(0));
      },
      "arrived at by a number that is not positive");
  EXPECT_DEATH(
      {
        conc::barrier b(1);
        b.arrive_and_drop();
        b.arrive_and_wait();
      },
      "a barrier has more arrivals than it expects");
}

TEST_F(MisuseDeathTest, barrier_for_an_impossible_number) {
  EXPECT_DEATH(conc::barrier<>(-1),
               "a barrier was made for a number that is negative or too large");
  EXPECT_DEATH(conc::barrier<>(conc::barrier<>::max() + 1), "a barrier was made for a number");
}

TEST_F(MisuseDeathTest, barrier_destroyed_with_a_waiter) {
  EXPECT_DEATH(
      {
        auto b = std::make_unique<conc::barrier<>>(2);
        conc::thread waiter([&] { b->arrive_and_wait(); });
        if (eventually_parked(b.get(), 1)) b.reset();
      },
      "a barrier was destroyed while threads wait for it");
}

}  // namespace
