#include "conc/once.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

#include "conc/thread.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::eventually_parked;
using MisuseDeathTest = conc_test::death_test;

static_assert(sizeof(conc::once_flag) == 8);
static_assert(std::is_trivially_destructible_v<conc::once_flag>);
static_assert(!std::is_copy_constructible_v<conc::once_flag>);

TEST(call_once, calls_once_whatever_the_crowd) {
  for (int round = 0; round < conc_test::scaled(200); ++round) {
    conc::once_flag flag;
    int calls = 0;  // plain: seen by all afterwards
    crew()
        .mixed(8,
               [&](int) {
                 conc::call_once(flag, [&] {
                   conc::this_thread::yield();
                   ++calls;
                 });
                 EXPECT_EQ(calls, 1);
               })
        .join();
    EXPECT_EQ(calls, 1);
  }
}

TEST(call_once, passes_arguments_on_as_std_does) {
  conc::once_flag flag;
  int seen = 0;
  struct adder {
    int base;
    void add(int n, int& out) const { out = base + n; }
  };
  conc::call_once(flag, &adder::add, adder{40}, 2, std::ref(seen));
  EXPECT_EQ(seen, 42);
  conc::call_once(
      flag, [](std::unique_ptr<int>) { ADD_FAILURE(); }, std::make_unique<int>(1));
}

TEST(call_once, the_others_wait_until_it_is_done) {
  conc_test::in_both_worlds([](const char* who) {
    conc::once_flag flag;
    bool done = false;
    crew waiters;
    conc::call_once(flag, [&] {
      waiters.mixed(6, [&](int) {
        conc::call_once(flag, [] { ADD_FAILURE() << "a second time"; });
        EXPECT_TRUE(done);
      });
      ASSERT_TRUE(eventually_parked(&flag, 6)) << who;
      done = true;
    });
    waiters.join();
  });
}

TEST(call_once, a_function_that_throws_is_tried_again_by_the_oldest_waiter) {
  conc_test::in_both_worlds([](const char* who) {
    conc::once_flag flag;
    std::vector<int> tries;
    crew waiters;
    try {
      conc::call_once(flag, [&] {
        for (int i = 0; i < 4; ++i) {
          const auto wait = [&](int me) {
            try {
              conc::call_once(flag, [&] {
                tries.push_back(me);
                if (me < 2) throw std::runtime_error("not yet");
              });
              EXPECT_GE(me, 2);
            } catch (const std::runtime_error&) {
              EXPECT_LT(me, 2);
            }
          };
          i % 2 == 0 ? waiters.users(1, wait) : waiters.kernels(1, wait);
          ASSERT_TRUE(eventually_parked(&flag, i + 1));
        }
        throw std::logic_error("first");
      });
      ADD_FAILURE() << "the exception did not come through";
    } catch (const std::logic_error&) {
    }
    waiters.join();
    EXPECT_EQ(tries, (std::vector<int>{0, 1, 2})) << who;
    conc::call_once(flag, [] { ADD_FAILURE() << "it was done"; });
  });
}

TEST(call_once, with_nobody_waiting_the_next_call_tries_again) {
  conc::once_flag flag;
  int tries = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(conc::call_once(flag,
                                 [&] {
                                   ++tries;
                                   throw 1;
                                 }),
                 int);
  }
  conc::call_once(flag, [&] { ++tries; });
  conc::call_once(flag, [&] { ++tries; });
  EXPECT_EQ(tries, 4);
}

// A waiter that comes through may take the flag down, though the runner is still in call_once().
TEST(call_once, the_flag_may_go_when_the_last_call_has_returned) {
  for (int round = 0; round < conc_test::scaled(500); ++round) {
    auto flag = std::make_unique<conc::once_flag>();
    conc::once_flag& there = *flag;
    std::atomic<bool> inside{false};
    crew runner;
    const auto run = [&](int) {
      conc::call_once(there, [&] {
        inside = true;
        conc::this_thread::yield();
      });
    };
    round % 2 == 0 ? runner.users(1, run) : runner.kernels(1, run);
    while (!inside) conc::this_thread::yield();
    conc::call_once(there, [] {});
    flag.reset();
    runner.join();
  }
}

TEST_F(MisuseDeathTest, call_once_from_within_itself) {
  EXPECT_DEATH(
      {
        conc::once_flag flag;
        conc::call_once(flag, [&] { conc::call_once(flag, [] {}); });
      },
      "call_once was called from within its own function");
}

}  // namespace
