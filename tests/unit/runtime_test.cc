#include "conc/runtime.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "conc/latch.h"
#include "conc/mutex.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::eventually;
using conc_test::scaled;

TEST(runtime, run_gives_back_what_the_function_gives) {
  conc_test::in_both_worlds([](const char* who) {
    conc::runtime r({.processors = 2});
    EXPECT_EQ(r.run([] { return 42; }), 42) << who;
    EXPECT_EQ(r.run([] { return std::string(100, 'x'); }), std::string(100, 'x')) << who;
    int x = 0;
    int& ref = r.run([&]() -> int& { return x; });
    EXPECT_EQ(&ref, &x) << who;
    int&& moved = r.run([&]() -> int&& { return std::move(x); });
    EXPECT_EQ(&moved, &x) << who;
    static_assert(std::is_void_v<decltype(r.run([] {}))>);
    r.run([&] { x = 5; });
    EXPECT_EQ(x, 5) << who;
    auto only_movable = r.run([] { return std::make_unique<int>(6); });
    EXPECT_EQ(*only_movable, 6) << who;
    struct no_default {
      explicit no_default(int v) : value(v) {}
      int value;
    };
    EXPECT_EQ(r.run([] { return no_default(7); }).value, 7) << who;
  });
}

TEST(runtime, run_throws_what_the_function_throws) {
  conc::runtime r({.processors = 1});
  EXPECT_THROW(r.run([] { throw std::out_of_range("here"); }), std::out_of_range);
  EXPECT_THROW(r.run([]() -> int { throw 3; }), int);
  try {
    r.run([&] { r.run([] { throw std::runtime_error("from inside"); }); });
    FAIL();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "from inside");
  }
}

TEST(runtime, its_threads_know_their_runtime) {
  conc::runtime a({.processors = 1}), b({.processors = 2});
  EXPECT_EQ(a.processors(), 1u);
  EXPECT_EQ(b.processors(), 2u);
  conc::runtime* const shared = &conc::runtime::current();
  EXPECT_NE(shared, &a);
  a.run([&] {
    EXPECT_EQ(&conc::runtime::current(), &a);
    conc::thread([&] { EXPECT_EQ(&conc::runtime::current(), &a); }).join();
    b.run([&] { EXPECT_EQ(&conc::runtime::current(), &b); });
    b.spawn([&] { EXPECT_EQ(&conc::runtime::current(), &b); }).join();
    EXPECT_EQ(&conc::runtime::current(), &a);
  });
  conc::thread([&] { EXPECT_EQ(&conc::runtime::current(), shared); }).join();
}

TEST(runtime, spawn_takes_what_a_thread_takes) {
  conc::runtime r({.processors = 2});
  int sum = 0;
  r.spawn([&](int a, int b) { sum = a + b; }, 2, 3).join();
  r.spawn(
       conc::thread_options{.name = "s", .stack_size = 128 << 10}, [&](int a) { sum += a; }, 1)
      .join();
  EXPECT_EQ(sum, 6);
}

TEST(runtime, may_be_made_inside_another) {
  conc::runtime outer({.processors = 1});
  const int got = outer.run([] {
    conc::runtime inner({.processors = 1});
    return inner.run([] {
      conc::runtime innermost({.processors = 2});
      return innermost.run([] { return 3; });
    });
  });
  EXPECT_EQ(got, 3);
}

TEST(runtime, several_share_objects) {
  std::vector<std::unique_ptr<conc::runtime>> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(std::make_unique<conc::runtime>(conc::runtime_options{.processors = 1u + i % 2}));
  conc::mutex m;
  long counter = 0;
  const int rounds = scaled(2'000);
  std::vector<conc::thread> threads;
  for (auto& r : all) {
    for (int k = 0; k < 3; ++k) {
      threads.push_back(r->spawn([&] {
        for (int i = 0; i < rounds; ++i) {
          const std::lock_guard guard(m);
          ++counter;
        }
      }));
    }
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(counter, 12L * rounds);
}

TEST(runtime, its_destructor_waits_for_all_its_threads) {
  std::atomic<int> ended{0};
  {
    conc::runtime r({.processors = 2});
    for (int i = 0; i < 20; ++i) {
      r.spawn([&, i] {
         conc::this_thread::sleep_for(std::chrono::milliseconds(i));
         ++ended;
       }).detach();
    }
  }
  EXPECT_EQ(ended, 20);
}

// Each detached thread spawns the next while the destructor already waits.
TEST(runtime, threads_may_spawn_during_the_shutdown) {
  std::atomic<int> ended{0};
  struct chain {
    static void link(std::atomic<int>& n, int left) {
      conc::this_thread::sleep_for(std::chrono::microseconds(300));
      if (left > 0) conc::thread(link, std::ref(n), left - 1).detach();
      ++n;
    }
  };
  {
    conc::runtime r({.processors = 2});
    for (int i = 0; i < 4; ++i) r.spawn(chain::link, std::ref(ended), 25).detach();
  }
  EXPECT_EQ(ended, 4 * 26);
}

TEST(runtime, what_comes_from_outside_is_run_in_the_order_of_arrival) {
  conc::runtime one({.processors = 1});
  std::atomic<bool> go{false};
  std::vector<int> order;
  conc::thread busy = one.spawn([&] {
    while (!go) std::this_thread::yield();  // holds the processor: nothing else runs
  });
  std::vector<conc::thread> all;
  for (int i = 0; i < 20; ++i) all.push_back(one.spawn([&, i] { order.push_back(i); }));
  go = true;
  busy.join();
  for (auto& t : all) t.join();
  std::vector<int> wanted(20);
  std::iota(wanted.begin(), wanted.end(), 0);
  EXPECT_EQ(order, wanted);
}

TEST(runtime, two_hundred_leave_no_kernel_thread_and_no_descriptor) {
  const auto once = [] {
    conc::runtime r({.processors = 2});
    EXPECT_EQ(r.run([] { return 1; }), 1);
  };
  once();
  const long threads = conc_test::kernel_threads(), fds = conc_test::descriptors();
  for (int i = 0; i < scaled(200); ++i) once();
  // A kernel thread that has been joined may show in /proc for a moment.
  EXPECT_TRUE(eventually([&] { return conc_test::kernel_threads() == threads; }));
  EXPECT_EQ(conc_test::descriptors(), fds);
}

TEST(runtime, has_as_many_kernel_threads_as_processors) {
  const long before = conc_test::kernel_threads();
  {
    conc::runtime r({.processors = 3});
    EXPECT_EQ(conc_test::kernel_threads(), before + 3);
  }
  EXPECT_TRUE(eventually([&] { return conc_test::kernel_threads() == before; }));
}

TEST(runtime, counts_what_its_processors_do) {
  conc::runtime r({.processors = 2});
  constexpr int n = 50;
  r.run([] {
    std::vector<conc::thread> all;
    for (int i = 0; i < n; ++i) all.emplace_back([] { conc::this_thread::yield(); });
    for (auto& t : all) t.join();
  });
  const conc::runtime_stats s = r.stats();
  ASSERT_EQ(s.processors.size(), 2u);
  EXPECT_EQ(s.spawned, n + 1u);
  EXPECT_EQ(s.finished, n + 1u);
  std::uint64_t dispatches = 0, yields = 0, spawned = 0, finished = 0;
  for (const auto& p : s.processors) {
    dispatches += p.dispatches;
    yields += p.yields;
    spawned += p.spawned;
    finished += p.finished;
    EXPECT_EQ(p.ready, 0u);
  }
  EXPECT_EQ(yields, n);
  EXPECT_EQ(spawned, n);
  EXPECT_EQ(finished, n + 1u);
  EXPECT_GE(dispatches, n + 1u);
}

TEST(runtime, a_stack_size_of_its_own_is_its_threads_default) {
  conc::runtime r({.processors = 1, .stack_size = 2u << 20});
  // Far more than the library's default would hold.
  const int got = r.run([] {
    volatile char deep[1'500'000];
    deep[0] = 1;
    deep[sizeof deep - 1] = 2;
    return deep[0] + deep[sizeof deep - 1];
  });
  EXPECT_EQ(got, 3);
}

}  // namespace
