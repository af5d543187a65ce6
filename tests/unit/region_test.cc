#include "conc/region.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "conc/runtime.h"
#include "conc/thread.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/jumping_clock.h"
#include "support/mutex_moments.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually;
using conc_test::scaled;
using steady = std::chrono::steady_clock;

using number = conc::region<int>;

// Waits until that many are known to await something: each counts itself before it does, and the
// region is left by nobody but who awaits.
struct roll {
  std::atomic<int> here{0};

  template <class T>
  bool eventually_awaiting(conc::region<T>& r, int wanted) {
    return eventually([&] {
      const auto inside = r.enter();
      return here == wanted;
    });
  }
};

TEST(region, gives_the_data_to_one_at_a_time) {
  conc::region<std::vector<int>> r(3, 7);
  {
    const auto inside = r.enter();
    EXPECT_EQ(inside->size(), 3u);
    EXPECT_EQ((*inside)[2], 7);
  }
  number n(0);
  const int rounds = scaled(10'000);
  crew()
      .mixed(8,
             [&](int) {
               for (int i = 0; i < rounds; ++i) {
                 const auto inside = n.enter();
                 const int seen = *inside;
                 if (i % 64 == 0) conc::this_thread::yield();
                 *inside = seen + 1;
               }
             })
      .join();
  EXPECT_EQ(*n.enter(), 8 * rounds);
}

TEST(region, those_whose_condition_comes_true_go_on_without_a_signal) {
  number n(0);
  roll waiting;
  std::atomic<int> through{0};
  crew all;
  all.mixed(6, [&](int me) {
    auto inside = n.enter();
    ++waiting.here;
    const int wanted = me / 2 + 1;
    inside.await([&](int v) { return v >= wanted; });
    EXPECT_GE(*inside, wanted);
    ++through;
  });
  ASSERT_TRUE(waiting.eventually_awaiting(n, 6));
  for (int v = 1; v <= 3; ++v) {
    EXPECT_EQ(through, 2 * (v - 1));
    *n.enter() = v;
    ASSERT_TRUE(eventually([&] { return through == 2 * v; }));
  }
}

// One thread's await lets another go on, as leaving would.
TEST(region, awaiting_lets_the_next_go_on) {
  number n(0);
  roll waiting;
  crew other;
  other.mixed(2, [&](int me) {
    auto inside = n.enter();
    ++waiting.here;
    const int mine = 1 + 2 * me;
    inside.await([&](int v) { return v == mine; });
    ++*inside;
  });
  ASSERT_TRUE(waiting.eventually_awaiting(n, 2));
  auto inside = n.enter();
  *inside = 1;
  inside.await([](int v) { return v == 2; });
  *inside = 3;
  inside.await([](int v) { return v == 4; });
  EXPECT_EQ(*inside, 4);
}

// Of those whose condition holds the oldest goes first.
TEST(region, the_oldest_whose_condition_holds_is_next) {
  conc::region<std::string> story;
  roll waiting;
  bool open = false;
  crew all;
  for (int i = 0; i < 6; ++i) {
    all.mixed(1, [&, i](int) {
      auto inside = story.enter();
      ++waiting.here;
      if (i == 0) {
        inside.await([](const std::string& s) { return s.size() == 5; });
      } else {
        inside.await([&](const std::string&) { return open; });
      }
      *inside += static_cast<char>('0' + i);
    });
    ASSERT_TRUE(waiting.eventually_awaiting(story, i + 1));
  }
  {
    const auto inside = story.enter();
    open = true;
  }
  all.join();
  EXPECT_EQ(*story.enter(), "123450");
}

// Whoever was woken finds the data changed again by somebody faster, and keeps its place.
TEST(region, who_is_woken_in_vain_keeps_its_place) {
  conc::runtime one({.processors = 1});
  one.run([] {
    number n(0);
    std::string order;
    std::vector<conc::thread> all;
    for (const char name : {'a', 'b', 'c'}) {
      all.emplace_back([&, name] {
        auto inside = n.enter();
        inside.await([](int v) { return v > 0; });
        --*inside;
        order += name;
      });
      conc::this_thread::yield();
    }
    for (int i = 0; i < 5; ++i) {
      *n.enter() = 1;  // wakes a, which cannot run yet
      *n.enter() = 0;
      conc::this_thread::yield();
      EXPECT_EQ(order, "");
    }
    *n.enter() = 3;
    for (auto& t : all) t.join();
    EXPECT_EQ(order, "abc");
  });
}

TEST(region, a_time_limit_is_kept_and_leaves_no_trace) {
  conc_test::in_both_worlds([](const char* who) {
    number n(0);
    auto inside = n.enter();
    const auto never = [](int v) { return v == 1; };
    for (const auto time : {0ms, 1ms, 8ms}) {
      const auto start = steady::now();
      EXPECT_FALSE(inside.await_for(time, never)) << who;
      EXPECT_GE(steady::now() - start, time) << who;
    }
    const auto until = std::chrono::system_clock::now() + 5ms;
    EXPECT_FALSE(inside.await_until(until, never)) << who;
    EXPECT_GE(std::chrono::system_clock::now(), until) << who;
    using conc_test::jumping_clock;
    const auto set_back = jumping_clock::now() + 5ms;
    jumping_clock::set_back_next(5ms);
    EXPECT_FALSE(inside.await_until(set_back, never)) << who;
    EXPECT_GE(jumping_clock::now(), set_back) << who;
    *inside = 1;
    EXPECT_TRUE(inside.await_for(0ms, never)) << who;
    EXPECT_TRUE(inside.await_until(steady::time_point::min(), never)) << who;
  });
}

// The one who asks on behalf of another is not troubled by his exception; he himself gets it, and
// is inside when he does.
TEST(region, an_exception_of_a_condition_is_its_owners) {
  number n(0);
  roll waiting;
  crew other;
  other.mixed(2, [&](int) {
    auto inside = n.enter();
    ++waiting.here;
    const auto picky = [](int v) {
      if (v == 13) throw std::runtime_error("unlucky");
      return v == 1;
    };
    EXPECT_THROW(inside.await(picky), std::runtime_error);
    EXPECT_EQ(*inside, 13);
    EXPECT_THROW(static_cast<void>(inside.await_for(1h, picky)), std::runtime_error);
  });
  ASSERT_TRUE(waiting.eventually_awaiting(n, 2));
  EXPECT_NO_THROW(*n.enter() = 13);
  other.join();
  EXPECT_EQ(*n.enter(), 13);
}

// Producers and consumers who await, some with a time limit: nobody is left behind, nothing lost.
TEST(region, carries_a_bounded_buffer) {
  conc::region<std::deque<int>> buffer;
  const int rounds = scaled(3'000);
  std::atomic<long> sum{0};
  crew()
      .mixed(8,
             [&](int me) {
               std::minstd_rand random(static_cast<unsigned>(me + 1));
               for (int i = 0; i < rounds; ++i) {
                 auto inside = buffer.enter();
                 const auto ready = [&](const auto& q) {
                   return me < 4 ? q.size() < 2 : !q.empty();
                 };
                 if (random() % 4 == 0) {
                   while (!inside.await_for(std::chrono::microseconds(random() % 50), ready)) {
                   }
                 } else {
                   inside.await(ready);
                 }
                 if (me < 4) {
                   ASSERT_LT(inside->size(), 2u);
                   inside->push_back(i);
                 } else {
                   ASSERT_FALSE(inside->empty());
                   sum += inside->front();
                   inside->pop_front();
                 }
               }
             })
      .join();
  EXPECT_EQ(sum, 4L * rounds * (rounds - 1) / 2);
  EXPECT_TRUE(buffer.enter()->empty());
}

TEST(region, is_destroyed_by_the_last_to_leave) {
  for (int round = 0; round < scaled(2'000); ++round) {
    auto n = std::make_unique<number>(0);
    crew both;
    both.mixed(1, [&](int) {
      n->enter().await([](int v) { return v == 1; });
      n.reset();
    });
    const auto set = [there = n.get()](int) { *there->enter() = 1; };
    round % 2 == 0 ? both.users(1, set) : both.kernels(1, set);
    both.join();
  }
}

using RegionDeathTest = conc_test::death_test;

TEST_F(RegionDeathTest, misuse_has_a_message) {
  number n(0);
  EXPECT_DEATH(
      {
        const auto once = n.enter();
        const auto twice = n.enter();
      },
      "locked a mutex that it already holds");
  EXPECT_DEATH(
      {
        auto gone = std::make_unique<number>(0);
        const auto inside = gone->enter();
        gone.reset();
      },
      "destroyed while locked");
}

// A region as the lock that it is for those who only enter and leave.
struct region_as_lock {
  static constexpr std::uint32_t max_bypass = number::max_bypass;
  number r{0};
  std::unique_ptr<number::access> inside;  // of whoever is inside
  void lock() {
    std::unique_ptr<number::access> mine(new number::access(r.enter()));
    inside = std::move(mine);
  }
  void unlock() { std::exchange(inside, nullptr).reset(); }
  bool try_lock() { return false; }  // a region has none
};

TEST(region, who_waits_to_enter_is_bypassed_at_most_k_times) {
  const auto parked = [](const region_as_lock& l) { return conc_test::parked_at(&l.r); };
  EXPECT_EQ(conc_test::bypasses_until_entry<region_as_lock>(false, parked), number::max_bypass);
}

}  // namespace
