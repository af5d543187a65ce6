#include "conc/task_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "conc/blocking.h"
#include "conc/mutex.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;

long fib(int n) {
  if (n < 2) return n;
  long a = 0;
  conc::task_group g;
  g.run([&a, n] { a = fib(n - 1); });
  const long b = fib(n - 2);
  g.wait();
  return a + b;
}

// ThreadSanitizer takes half a millisecond for a thread.
constexpr int deep = conc_test::under_tsan ? 13 : 20;
constexpr long fib_deep = conc_test::under_tsan ? 233 : 6765;

TEST(task_group, a_recursion_gives_the_right_sum) {
  for (const unsigned processors : {1u, 2u, 4u}) {
    conc::runtime r({.processors = processors});
    EXPECT_EQ(r.run([] { return fib(deep); }), fib_deep) << processors;
    EXPECT_TRUE(conc_test::eventually_all_ended(r));
  }
  for (const auto layout : {conc::queue_layout::global, conc::queue_layout::per_cpu}) {
    conc::runtime r({.processors = 2, .queues = layout});
    EXPECT_EQ(r.run([] { return fib(12); }), 144);
  }
}

TEST(task_group, works_from_a_kernel_thread) {
  std::atomic<int> ran{0};
  conc::task_group g;
  for (int i = 0; i < 100; ++i) g.run([&] { ++ran; });
  g.wait();
  EXPECT_EQ(ran, 100);
  EXPECT_EQ(fib(10), 55);
}

TEST(task_group, works_inside_a_blocking_section) {
  conc::runtime r({.processors = 1});
  r.run([] { EXPECT_EQ(conc::blocking([] { return fib(8); }), 21); });
}

// Children that wait, with their parents and with each other: all are separated from them.
TEST(task_group, children_may_wait) {
  conc::runtime r({.processors = 2});
  r.run([] {
    conc::counting_semaphore<> go(0);
    conc::mutex m;
    int done = 0;
    conc::task_group g;
    for (int i = 0; i < 50; ++i) {
      g.run([&, i] {
        if (i % 2 == 0) conc::this_thread::yield();
        go.acquire();
        if (i % 3 == 0) conc::this_thread::sleep_for(100us);
        if (i % 5 == 0) conc::blocking([] {});
        const std::lock_guard guard(m);
        ++done;
      });
    }
    go.release(50);
    g.wait();
    EXPECT_EQ(done, 50);
  });
}

TEST(task_group, can_be_used_again_after_wait) {
  conc::runtime r({.processors = 2});
  r.run([] {
    conc::task_group g;
    int sum = 0;
    for (int round = 1; round <= 10; ++round) {
      conc::mutex m;
      for (int i = 0; i < round; ++i) {
        g.run([&] {
          conc::this_thread::yield();
          const std::lock_guard guard(m);
          ++sum;
        });
      }
      g.wait();
    }
    EXPECT_EQ(sum, 55);
    g.wait();  // nothing to wait for
  });
}

// Children add children to the group that they belong to.
TEST(task_group, children_may_start_siblings) {
  conc::runtime r({.processors = 4});
  r.run([] {
    conc::task_group g;
    std::atomic<int> ran{0};
    std::function<void(int)> spread = [&](int depth) {
      ++ran;
      if (depth == 0) return;
      for (int i = 0; i < 3; ++i) {
        g.run([&spread, depth, i] {
          if (i == depth % 3) conc::this_thread::yield();
          spread(depth - 1);
        });
      }
    };
    spread(5);
    g.wait();
    EXPECT_EQ(ran, 1 + 3 + 9 + 27 + 81 + 243);
  });
}

TEST(task_group, the_first_exception_arrives_and_the_others_are_asked_to_stop) {
  conc::runtime r({.processors = 2});
  r.run([] {
    conc::task_group g;
    const std::stop_token stop = g.get_stop_token();
    std::atomic<int> stopped{0};
    for (int i = 0; i < 5; ++i) {
      g.run([&] {
        while (!stop.stop_requested()) conc::this_thread::yield();
        ++stopped;
      });
    }
    g.run([] { throw std::runtime_error("first"); });
    try {
      g.wait();
      ADD_FAILURE() << "the exception was lost";
    } catch (const std::runtime_error& e) {
      EXPECT_EQ(e.what(), std::string("first"));
    }
    EXPECT_EQ(stopped, 5);
    // Used up: the group is as new.
    EXPECT_FALSE(g.get_stop_token().stop_requested());
    g.run([] {});
    g.wait();
  });
}

TEST(task_group, a_request_to_stop_ends_with_the_wait) {
  conc::runtime r({.processors = 2});
  r.run([] {
    conc::task_group g;
    for (const bool by_a_child : {false, true}) {
      const std::stop_token before = g.get_stop_token();
      EXPECT_FALSE(before.stop_requested());
      if (by_a_child) {
        g.run([&g] { g.request_stop(); });
      } else {
        g.request_stop();
      }
      g.run([stop = g.get_stop_token()] {
        while (!stop.stop_requested()) conc::this_thread::yield();
      });
      g.wait();
      EXPECT_TRUE(before.stop_requested());
      EXPECT_FALSE(g.get_stop_token().stop_requested()) << "the group is to be used again";
    }
    // Also if nobody had asked for a token before the request.
    conc::task_group other;
    other.request_stop();
    other.run([&other] { EXPECT_TRUE(other.get_stop_token().stop_requested()); });
    other.wait();
    other.request_stop();
    other.wait();
    EXPECT_FALSE(other.get_stop_token().stop_requested());
  });
}

TEST(task_group, a_token_asked_for_after_the_failure_says_stop) {
  conc::task_group g;
  g.run([] { throw 1; });
  EXPECT_TRUE(conc_test::eventually([&] { return g.get_stop_token().stop_requested(); }));
  EXPECT_THROW(g.wait(), int);
}

TEST(task_group, its_end_asks_the_children_to_stop_and_waits_for_them) {
  conc::runtime r({.processors = 2});
  r.run([] {
    std::atomic<int> ended{0};
    try {
      conc::task_group g;
      for (int i = 0; i < 3; ++i) {
        g.run([&ended, stop = g.get_stop_token()] {
          while (!stop.stop_requested()) conc::this_thread::yield();
          ++ended;
        });
      }
      throw std::runtime_error("the parent's own");
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(ended, 3);
  });
}

TEST(task_group, closures_of_all_sizes_and_kinds) {
  conc::runtime r({.processors = 1});
  r.run([] {
    conc::task_group g;
    std::array<long, 40> big{};
    big[39] = 7;
    long got = 0;
    int unique = 0;
    g.run([big, &got] { got = big[39]; });
    g.run([p = std::make_unique<int>(5), &unique] { unique = *p; });
    g.wait();
    EXPECT_EQ(got, 7);
    EXPECT_EQ(unique, 5);
    const std::function<void()> f = [&] { ++unique; };
    g.run(f);
    g.wait();
    EXPECT_EQ(unique, 6);
  });
}

// A child that ends without having waited runs at once, and only a few stacks are ever needed.
TEST(task_group, a_loop_of_short_children_stays_where_it_is) {
  conc::runtime r({.processors = 1});
  r.run([] {
    conc::task_group g;
    int in_order = 0;
    for (int i = 0; i < 1000; ++i) {
      g.run([&, i] {
        if (in_order == i) ++in_order;
      });
    }
    g.wait();
    EXPECT_EQ(in_order, 1000);
  });
}

// A child that never suspends but yields, for something that only its parent does.
TEST(task_group, a_parent_is_not_passed_over_for_ever) {
  conc::runtime r({.processors = 1});
  r.run([] {
    conc::task_group g;
    std::atomic<bool> parent_went_on{false};
    int yields = 0;
    g.run([&] {
      for (; !parent_went_on; ++yields) conc::this_thread::yield();
    });
    parent_went_on = true;
    g.wait();
    EXPECT_LE(yields, 32);  // sixteen, and far fewer than the oldest parent's own bound
  });
}

// The youngest parent goes on forking children that wait; the oldest could go on all the while.
TEST(task_group, the_oldest_parent_is_not_passed_over_for_ever) {
  static constexpr int bound = 1024, for_ever = 20 * bound;
  conc::runtime r({.processors = 1});
  r.run([] {
    conc::task_group outer;
    std::atomic<bool> oldest_went_on{false};
    int forked = 0;
    outer.run([&] {
      conc::task_group middle;
      middle.run([&] {
        conc::task_group inner;
        while (!oldest_went_on && forked < for_ever) {
          ++forked;
          inner.run([] { conc::this_thread::yield(); });
        }
        inner.wait();
      });
      middle.wait();
    });
    oldest_went_on = true;
    outer.wait();
    EXPECT_LE(forked, bound);
  });
}

// Two processors share the work of a recursion.
TEST(task_group, an_idle_processor_takes_its_part) {
  if (conc::thread::hardware_concurrency() < 2) return;
  conc::runtime r({.processors = 2});
  EXPECT_TRUE(conc_test::eventually([&] {
    EXPECT_EQ(r.run([] { return fib(deep); }), fib_deep);
    const auto s = r.stats();
    return s.processors[0].steals + s.processors[1].steals > 0;
  }));
}

}  // namespace
