#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <system_error>
#include <vector>

#include "conc/condition_variable.h"
#include "conc/latch.h"
#include "conc/mutex.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "support/error_of.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc::queue_layout;
using conc_test::error_of;

class layouts : public testing::TestWithParam<queue_layout> {};

std::string name_of(const testing::TestParamInfo<queue_layout>& l) {
  switch (l.param) {
    case queue_layout::stealing:
      return "stealing";
    case queue_layout::global:
      return "global";
    case queue_layout::per_cpu:
      return "per_cpu";
    case queue_layout::per_cpu_migrating:
      return "per_cpu_migrating";
  }
  return "?";
}

INSTANTIATE_TEST_SUITE_P(all, layouts,
                         testing::Values(queue_layout::stealing, queue_layout::global,
                                         queue_layout::per_cpu, queue_layout::per_cpu_migrating),
                         name_of);

// Spawns, yields, sleeps, waits of all kinds, wakes from inside and outside: nothing is lost.
TEST_P(layouts, run_everything_to_its_end) {
  for (const unsigned processors : {1u, 2u, 4u}) {
    conc::runtime r({.processors = processors, .queues = GetParam()});
    const int n = 60, rounds = conc_test::scaled(100);
    conc::mutex m;
    conc::condition_variable changed;
    long value = 0, ran = 0;
    conc::counting_semaphore<> from_outside(0);
    conc::latch all_started(n);
    std::vector<conc::thread> all;
    for (int i = 0; i < n; ++i) {
      all.push_back(r.spawn([&, i] {
        all_started.arrive_and_wait();
        for (int k = 0; k < rounds; ++k) {
          if ((i + k) % 3 == 0) conc::this_thread::yield();
          if ((i + k) % 20 == 0) conc::this_thread::sleep_for(20us);
          if ((i + k) % 7 == 0) conc::thread([] { conc::this_thread::yield(); }).join();
          std::unique_lock lock(m);
          ++value;
          changed.notify_one();
          changed.wait_for(lock, 10us);
        }
        from_outside.acquire();
        const std::lock_guard lock(m);
        ++ran;
      }));
    }
    for (int i = 0; i < n; ++i) from_outside.release();
    for (auto& t : all) t.join();
    EXPECT_EQ(ran, n);
    EXPECT_EQ(value, static_cast<long>(n) * rounds);
    EXPECT_TRUE(conc_test::eventually_all_ended(r));
  }
}

// Two that only yield leave room for a third, whatever the layout.
TEST_P(layouts, yielders_starve_nobody) {
  conc::runtime r({.processors = 1, .queues = GetParam()});
  r.run([] {
    bool stop = false;
    int yields = 0;
    conc::thread a([&] {
      while (!stop) ++yields, conc::this_thread::yield();
    });
    conc::thread b([&] {
      while (!stop) ++yields, conc::this_thread::yield();
    });
    conc::thread c([&] {
      conc::this_thread::sleep_for(1ms);
      stop = true;
    });
    a.join();
    b.join();
    c.join();
    EXPECT_GT(yields, 0);
  });
}

// While nobody can run, because each processor computes, the queues differ by what is placed alone.
TEST(per_cpu, new_threads_go_to_the_shortest_queue) {
  const unsigned processors = 4;
  conc::runtime r({.processors = processors, .queues = queue_layout::per_cpu});
  conc::latch in_place(processors);
  std::atomic<unsigned> computing{0};
  std::atomic<bool> stop{false};
  std::vector<conc::thread> all;
  for (unsigned i = 0; i < processors; ++i) {
    all.push_back(r.spawn([&, i] {
      conc::this_thread::migrate_to(i);
      in_place.arrive_and_wait();
      ++computing;
      while (!stop) continue;
    }));
  }
  ASSERT_TRUE(conc_test::eventually([&] { return computing == processors; }));
  std::atomic<int> ran_on[processors] = {};
  for (unsigned i = 0; i < 10 * processors; ++i) {
    all.push_back(r.spawn([&] { ++ran_on[conc::this_thread::processor()]; }));
  }
  stop = true;
  for (auto& t : all) t.join();
  for (unsigned i = 0; i < processors; ++i) EXPECT_EQ(ran_on[i], 10) << i;
}

TEST(per_cpu, threads_stay_where_they_are) {
  conc::runtime r({.processors = 3, .queues = queue_layout::per_cpu});
  std::vector<conc::thread> all;
  for (int i = 0; i < 12; ++i) {
    all.push_back(r.spawn([i] {
      const unsigned home = conc::this_thread::processor();
      for (int k = 0; k < 50; ++k) {
        if (k % 2 == 0) conc::this_thread::yield();
        if (k % 5 == i % 5) conc::this_thread::sleep_for(10us);
        EXPECT_EQ(conc::this_thread::processor(), home);
      }
    }));
  }
  for (auto& t : all) t.join();
  EXPECT_EQ(r.stats().rebalanced, 0u);
}

// All threads are moved to one processor; the periodic look spreads them again.
TEST(per_cpu_migrating, evens_out_what_differs_by_more_than_a_quarter) {
  conc::runtime r({.processors = 2, .queues = queue_layout::per_cpu_migrating});
  std::atomic<bool> stop{false};
  std::atomic<int> here[2] = {0, 0};
  std::vector<conc::thread> all;
  conc::latch moved(20);
  for (int i = 0; i < 20; ++i) {
    all.push_back(r.spawn([&] {
      conc::this_thread::migrate_to(0);
      moved.count_down();
      unsigned at = 0;
      ++here[0];
      while (!stop) {
        conc::this_thread::yield();
        if (const unsigned now = conc::this_thread::processor(); now != at) {
          --here[at];
          ++here[at = now];
        }
      }
      --here[at];
    }));
  }
  moved.wait();
  EXPECT_TRUE(conc_test::eventually([&] { return here[1] >= 8; }));
  stop = true;
  for (auto& t : all) t.join();
  EXPECT_GE(r.stats().rebalanced, 8u);
}

TEST(per_cpu, an_imbalance_stays) {
  conc::runtime r({.processors = 2, .queues = queue_layout::per_cpu});
  r.run([] {
    std::vector<conc::thread> all;
    for (int i = 0; i < 10; ++i) {
      all.emplace_back([] {
        conc::this_thread::migrate_to(1);
        for (int k = 0; k < 100; ++k) {
          conc::this_thread::yield();
          EXPECT_EQ(conc::this_thread::processor(), 1u);
        }
      });
    }
    for (auto& t : all) t.join();
  });
}

TEST(migrate_to, arrives_where_it_was_asked_to) {
  conc::runtime r({.processors = 3, .queues = queue_layout::per_cpu});
  r.run([] {
    for (unsigned i = 0; i < 30; ++i) {
      conc::this_thread::migrate_to(i % 3);
      EXPECT_EQ(conc::this_thread::processor(), i % 3);
    }
  });
  // Where others steal it need not stay, but it gets there sooner or later.
  conc::runtime stealing({.processors = 2});
  stealing.run([] {
    for (unsigned i = 0; i < 10; ++i) {
      EXPECT_TRUE(conc_test::eventually([&] {
        conc::this_thread::migrate_to(i % 2);
        return conc::this_thread::processor() == i % 2;
      }));
    }
  });
}

TEST(migrate_to, refuses_what_makes_no_sense) {
  conc::runtime r({.processors = 2});
  r.run([] {
    EXPECT_EQ(error_of([] { conc::this_thread::migrate_to(2); }), std::errc::invalid_argument);
    EXPECT_EQ(error_of([] { conc::blocking([] { conc::this_thread::migrate_to(0); }); }),
              std::errc::operation_not_permitted);
  });
  EXPECT_EQ(error_of([] { conc::this_thread::migrate_to(0); }), std::errc::operation_not_permitted);
  EXPECT_EQ(error_of([] { (void)conc::this_thread::processor(); }),
            std::errc::operation_not_permitted);
  conc::runtime global({.processors = 2, .queues = queue_layout::global});
  global.run([] {
    EXPECT_EQ(error_of([] { conc::this_thread::migrate_to(0); }), std::errc::not_supported);
  });
}

}  // namespace
