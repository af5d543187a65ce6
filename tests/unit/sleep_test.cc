// this_thread::sleep_for, sleep_until and yield: time that passes, and who else runs meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "conc/latch.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::eventually;
using conc_test::scaled;
using steady = std::chrono::steady_clock;

TEST(sleep, never_ends_early) {
  conc_test::in_both_worlds([](const char* who) {
    for (const auto time : {1us, 100us, 1000us, 20'000us}) {
      const auto start = steady::now();
      conc::this_thread::sleep_for(time);
      EXPECT_GE(steady::now() - start, time) << who;
    }
    const auto until = steady::now() + 5ms;
    conc::this_thread::sleep_until(until);
    EXPECT_GE(steady::now(), until) << who;
    const auto by_wall = std::chrono::system_clock::now() + 5ms;
    conc::this_thread::sleep_until(by_wall);
    EXPECT_GE(std::chrono::system_clock::now(), by_wall) << who;
  });
}

TEST(sleep, of_no_time_returns_at_once) {
  conc_test::in_both_worlds([](const char*) {
    conc::this_thread::sleep_for(0ns);
    conc::this_thread::sleep_for(-1h);
    conc::this_thread::sleep_until(steady::time_point::min());
    conc::this_thread::sleep_until(std::chrono::system_clock::now() - 1h);
  });
}

// The deadlines come in another order than the threads were made; they wake by deadline.
TEST(sleep, sleepers_wake_in_the_order_of_their_deadlines) {
  conc::runtime one({.processors = 1});
  std::vector<int> order;
  constexpr int n = 200;
  one.run([&] {
    conc::latch all_are_there(n), begin(1);
    steady::time_point start;
    std::vector<conc::thread> all;
    for (int i = 0; i < n; ++i) {
      const int place = i * 77 % n;  // a permutation: 77 and n have no common factor
      all.emplace_back([&, place] {
        all_are_there.count_down();
        begin.wait();
        conc::this_thread::sleep_until(start + place * 100us);
        order.push_back(place);
      });
    }
    all_are_there.wait();
    start = steady::now() + 100ms;
    begin.count_down();
    for (auto& t : all) t.join();
  });
  ASSERT_EQ(order.size(), std::size_t{n});
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(sleep, ten_thousand_sleepers_cost_one_sleep) {
  const int n = conc_test::under_tsan ? 500 : 10'000;
  std::atomic<int> early{0}, awake{0};
  std::vector<conc::thread> all;
  const auto start = steady::now();
  for (int i = 0; i < n; ++i) {
    all.emplace_back([&, i] {
      const auto until = start + 200ms + (i % 100) * 1ms;
      conc::this_thread::sleep_until(until);
      if (steady::now() < until) ++early;
      ++awake;
    });
  }
  for (auto& t : all) t.join();
  EXPECT_EQ(awake, n);
  EXPECT_EQ(early, 0);
  EXPECT_LT(steady::now() - start, 20s);  // one after the other it would be half an hour
}

// Yielders keep every processor busy; the sleeper's timer must be looked at all the same.
TEST(sleep, ends_within_a_bound_while_others_keep_the_processor_busy) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    std::atomic<bool> stop{false};
    std::vector<conc::thread> yielders;
    for (int i = 0; i < 3; ++i) {
      yielders.emplace_back([&] {
        while (!stop) conc::this_thread::yield();
      });
    }
    auto best = 1h / 1ns;
    for (int i = 0; i < 20; ++i) {
      const auto until = steady::now() + 1ms;
      conc::this_thread::sleep_until(until);
      best = std::min(best, (steady::now() - until) / 1ns);
    }
    stop = true;
    for (auto& t : yielders) t.join();
    // The best of twenty, so that a busy machine cannot spoil it; the bound is 0.1 ms.
    EXPECT_LT(best, 5ms / 1ns);
  });
}

TEST(yield, lets_a_third_thread_run) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    bool stop = false;
    long turns = 0;
    const auto pair = [&] {
      while (!stop) {
        ++turns;
        conc::this_thread::yield();
      }
    };
    conc::thread a(pair), b(pair);
    while (turns < 100) conc::this_thread::yield();
    const long before = turns;
    for (int i = 0; i < 1'000; ++i) conc::this_thread::yield();
    // Round robin: each of the two had about as many turns as we.
    EXPECT_NEAR(static_cast<double>(turns - before), 2'000, 100);
    stop = true;
    a.join();
    b.join();
  });
}

TEST(yield, of_a_kernel_thread_returns) {
  for (int i = 0; i < 100; ++i) conc::this_thread::yield();
}

// The timers are looked at on a bound whatever keeps the processor busy, also an endless series of
// threads that are joined as soon as they are made.
TEST(sleep, ends_within_a_bound_while_another_spawns_and_joins) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    std::atomic<bool> slept{false};
    conc::thread sleeper([&] {
      conc::this_thread::sleep_for(5ms);
      slept = true;
    });
    const auto end = steady::now() + 10s;
    while (!slept && steady::now() < end) conc::thread([] {}).join();
    EXPECT_TRUE(slept);
    sleeper.join();
  });
}

// Two that wake each other run first, each in its turn, but not for ever: a third that is ready
// comes after a bounded number of such wakes.
TEST(yield, two_that_wake_each_other_do_not_starve_a_third) {
  conc::runtime one({.processors = 1});
  long turns = 0, exchanges = 0;
  one.run([&] {
    conc::binary_semaphore ping(0), pong(0);
    bool stop = false;
    conc::thread third([&] {
      while (!stop) {
        ++turns;
        conc::this_thread::yield();
      }
    });
    conc::thread player([&] {
      for (;;) {
        ping.acquire();
        if (stop) return;
        ++exchanges;
        pong.release();
      }
    });
    for (int i = 0; i < 5'000; ++i) {
      ping.release();
      pong.acquire();
    }
    stop = true;
    ping.release();
    player.join();
    third.join();
  });
  EXPECT_EQ(exchanges, 5'000);
  EXPECT_GE(turns, 2 * exchanges / 17);  // two wakes an exchange, at most 16 in a row
}

// Nothing to run, nothing to wait for: the processors are asleep in the kernel. Sleeping threads
// with far deadlines are no reason to wake up either.
TEST(idle, a_runtime_without_work_uses_no_cpu) {
  conc::runtime r({.processors = 4});
  conc::thread sleeper = r.spawn([] { conc::this_thread::sleep_for(1s); });
  r.run([] {});
  conc::this_thread::sleep_for(50ms);  // the last search for work ends
  const auto before = conc_test::usage_now();
  std::this_thread::sleep_for(500ms);  // what is measured
  const auto after = conc_test::usage_now();
  EXPECT_LT(after.cpu - before.cpu, 20ms);
  EXPECT_LT(after.switches - before.switches, 25);
  sleeper.join();
}

}  // namespace
