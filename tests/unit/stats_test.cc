// What runtime::stats() says, against what the threads themselves have seen.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <semaphore>
#include <thread>
#include <vector>

#include "conc/latch.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "conc/task_group.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

double seconds(std::chrono::nanoseconds t) { return std::chrono::duration<double>(t).count(); }

void compute_for(std::chrono::nanoseconds t) {
  for (const auto end = steady::now() + t; steady::now() < end;) continue;
}

// One processor and four hundred jobs that arrive together: how long they are in the system is
// measured by themselves, and by the statistics, which know nothing of single threads.
TEST(stats, mean_time_in_system_is_what_the_threads_have_seen) {
  conc::runtime r({.processors = 1});
  constexpr int jobs = 400;
  double seen = 0;
  r.run([&] {
    std::vector<conc::thread> all;
    for (int i = 0; i < jobs; ++i) {
      all.emplace_back([&, arrival = steady::now()] {
        compute_for(100us);
        seen += seconds(steady::now() - arrival);
      });
    }
    for (auto& t : all) t.join();
  });
  const conc::runtime_stats s = r.stats();
  // Beside the jobs only the parent has come and gone, mostly waiting for them.
  const double whole = seconds(s.mean_time_in_system) *
                       static_cast<double>(s.processors[0].parks + s.processors[0].finished);
  EXPECT_NEAR(whole / seen, 1, 0.15);
}

TEST(stats, keep_littles_law) {
  conc::runtime r({.processors = 2});
  r.run([] {
    std::vector<conc::thread> all;
    for (int i = 0; i < 40; ++i) {
      all.emplace_back([] {
        for (int k = 0; k < 20; ++k) {
          compute_for(10us);
          conc::this_thread::sleep_for(100us);
        }
      });
    }
    for (auto& t : all) t.join();
  });
  const conc::runtime_stats s = r.stats();
  EXPECT_GT(s.mean_in_system, 0);
  EXPECT_NEAR(s.departures_per_second * seconds(s.mean_time_in_system) / s.mean_in_system, 1, 0.01);
}

// A processor runs threads, searches or sleeps; a thread that computes without a switch counts too.
TEST(stats, time_is_running_or_searching_or_idle) {
  const auto before = steady::now();
  conc::runtime r({.processors = 2});
  const auto computed = 20ms;
  conc::runtime_stats meanwhile;
  r.run([&] {
    compute_for(computed);
    meanwhile = r.stats();
  });
  std::chrono::nanoseconds running{};
  for (const auto& p : meanwhile.processors) running += p.running;
  EXPECT_GE(running, computed);
  for (const auto& p : r.stats().processors) {
    EXPECT_LE(p.running + p.searching, steady::now() - before);
  }
}

TEST(stats, count_migrations_by_hand_and_by_wakes) {
  conc::runtime r({.processors = 2, .queues = conc::queue_layout::per_cpu});
  const auto migrations = [&] {
    std::uint64_t n = 0;
    for (const auto& p : r.stats().processors) n += p.migrations;
    return n;
  };
  r.run([] {
    const unsigned start = conc::this_thread::processor();
    for (unsigned i = 1; i <= 10; ++i) conc::this_thread::migrate_to((start + i) % 2);
  });
  EXPECT_EQ(migrations(), 10u);

  // Where threads move, one that is woken goes on beside its waker.
  conc::runtime stealing({.processors = 2});
  stealing.run([&] {
    bool moved = false;
    while (!moved) {
      conc::counting_semaphore<> wake(0);
      unsigned slept = 0, woke = 0;
      conc::thread sleeper([&] {
        slept = conc::this_thread::processor();
        wake.acquire();
        woke = conc::this_thread::processor();
      });
      conc::this_thread::yield();
      conc::this_thread::migrate_to(1 - conc::this_thread::processor());
      wake.release();
      sleeper.join();
      moved = slept != woke;
    }
  });
  std::uint64_t n = 0;
  for (const auto& p : stealing.stats().processors) n += p.migrations;
  EXPECT_GT(n, 0u);
}

// Over all processors.
conc::processor_stats sum(const conc::runtime& r) {
  conc::processor_stats all;
  for (const auto& p : r.stats().processors) {
    all.dispatches += p.dispatches;
    all.finished += p.finished;
    all.yields += p.yields;
    all.parks += p.parks;
    all.wakes += p.wakes;
  }
  return all;
}

// A thread that looks at its own processor sees figures that fit each other.
TEST(stats, count_yields_exactly_alone_and_in_company) {
  conc::runtime r({.processors = 1});
  r.run([&] {
    for (std::uint64_t n = 0; n < 100; ++n) {
      ASSERT_EQ(sum(r).yields, n);
      conc::this_thread::yield();
    }
    conc::thread other([] {
      for (int i = 0; i < 50; ++i) conc::this_thread::yield();
    });
    other.join();
    conc::this_thread::sleep_for(1ms);
    EXPECT_EQ(sum(r).yields, 150u);
    EXPECT_EQ(sum(r).dispatches, 150 + sum(r).parks + 1);
  });
}

TEST(stats, take_no_migration_for_a_yield) {
  conc::runtime r({.processors = 2});
  r.run([] {
    const unsigned start = conc::this_thread::processor();
    for (unsigned i = 1; i <= 10; ++i) conc::this_thread::migrate_to((start + i) % 2);
  });
  EXPECT_TRUE(conc_test::eventually([&] { return sum(r).finished == 1; }));
  EXPECT_EQ(sum(r).yields, 0u);
}

// Children that go first: most hand their processor straight back, some wait, and somebody else
// takes up their parent; now and then service comes first.
TEST(stats, take_no_child_that_goes_first_for_a_yield) {
  for (const unsigned processors : {1u, 2u}) {
    conc::runtime r({.processors = processors});
    const int n = conc_test::under_tsan ? 2'000 : 20'000;
    r.run([&] {
      std::atomic<bool> over{false};
      conc::thread makes_timers_due([&] {
        while (!over) conc::this_thread::sleep_for(20us);
      });
      conc::task_group group;
      for (int i = 0; i < n; ++i) {
        group.run([i] {
          if (i % 10 == 0) conc::this_thread::sleep_for(10us);
          if (i % 100 == 0) conc::this_thread::yield();
        });
      }
      group.wait();
      over = true;
      makes_timers_due.join();
    });
    EXPECT_TRUE(conc_test::eventually(
        [&] { return sum(r).finished == static_cast<std::uint64_t>(n + 2); }));
    EXPECT_EQ(sum(r).yields, static_cast<std::uint64_t>(n / 100));
  }
}

// Whatever ends a suspension: deadlines, threads of the runtime, kernel threads, a thread's end.
TEST(stats, count_a_wake_for_each_suspension) {
  using conc::queue_layout;
  for (const auto layout : {queue_layout::stealing, queue_layout::global, queue_layout::per_cpu}) {
    conc::runtime r({.processors = 2, .queues = layout});
    constexpr int n = 200;
    conc::counting_semaphore<> from_outside(0), from_inside(0);
    std::thread kernel_thread([&] {
      for (int i = 0; i < n; ++i) {
        from_outside.release();
        std::this_thread::yield();
      }
    });
    r.run([&] {
      std::vector<conc::thread> all;
      for (int i = 0; i < n; ++i) {
        all.emplace_back([&] {
          conc::this_thread::sleep_for(100us);
          from_outside.acquire();
          from_inside.acquire();
        });
      }
      from_inside.release(n);
      for (auto& t : all) t.join();
      for (int i = 0; i < n; ++i) conc::thread([] { conc::this_thread::yield(); }).join();
    });
    kernel_thread.join();
    EXPECT_TRUE(conc_test::eventually([&] { return sum(r).finished == 2 * n + 1u; }));
    EXPECT_GE(sum(r).parks, n + 0u);
    EXPECT_EQ(sum(r).wakes, sum(r).parks);
    EXPECT_EQ(sum(r).dispatches, sum(r).parks + sum(r).finished + sum(r).yields);

    // Those that are suspended now are the difference.
    conc::latch gate(1);
    std::vector<conc::thread> waiting;
    for (int i = 0; i < 50; ++i) waiting.push_back(r.spawn([&] { gate.wait(); }));
    EXPECT_TRUE(conc_test::eventually([&] { return sum(r).parks - sum(r).wakes == 50; }));
    gate.count_down();
    for (auto& t : waiting) t.join();
    EXPECT_TRUE(conc_test::eventually([&] { return sum(r).parks == sum(r).wakes; }));
  }
}

// Each way by itself, so that no two mistakes make up for each other.
TEST(stats, count_wakes_of_each_kind) {
  conc::runtime r({.processors = 1});
  const auto wakes_by = [&](auto&& f) {
    const std::uint64_t before = sum(r).wakes;
    f();
    return sum(r).wakes - before;
  };
  std::binary_semaphore asleep(0);
  conc::binary_semaphore go(0);
  std::thread outside([&] {
    asleep.acquire();
    EXPECT_TRUE(conc_test::eventually_parked(&go, 1));
    go.release();
  });
  r.run([&] {
    EXPECT_EQ(wakes_by([] { conc::this_thread::sleep_for(1ms); }), 1u);
    // The child is next in line, and ends when nobody but its joiner is there to go on.
    EXPECT_EQ(wakes_by([] { conc::thread([] {}).join(); }), 1u);
    conc::binary_semaphore inside(0);
    conc::thread waiter([&] { inside.acquire(); });
    conc::this_thread::yield();
    EXPECT_EQ(wakes_by([&] { inside.release(); }), 1u);
    waiter.join();
    EXPECT_EQ(wakes_by([&] {
                asleep.release();
                go.acquire();
              }),
              1u);
  });
  outside.join();
}

}  // namespace
