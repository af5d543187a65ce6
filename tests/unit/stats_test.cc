// What runtime::stats() says, against what the threads themselves have seen.
#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <vector>

#include "conc/latch.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"

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

}  // namespace
