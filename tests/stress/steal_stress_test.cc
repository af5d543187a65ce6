#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "conc/runtime.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::eventually;
using conc_test::scaled;

// One thread spawns without ever suspending, so that all but the first are only run if others come
// and take them. The parent waits for that in a loop that gives nothing up.
TEST(steal_stress, a_computing_parents_children_are_run_by_others) {
  conc::runtime r({.processors = 2});
  for (int round = 0; round < scaled(20); ++round) {
    r.run([&] {
      constexpr int n = 50;
      std::atomic<int> ran{0};
      std::vector<conc::thread> all;
      for (int i = 0; i < n; ++i) all.emplace_back([&] { ++ran; });
      const auto end = std::chrono::steady_clock::now() + 20s;
      while (ran < n && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      EXPECT_EQ(ran, n);
      for (auto& t : all) t.join();
    });
  }
}

// A single child lies in the slot of the one who runs next, which thieves leave alone at first. Its
// parent computes and never suspends: the watch has to find it.
TEST(steal_stress, a_forgotten_next_thread_is_found) {
  conc::runtime r({.processors = 2});
  for (int round = 0; round < scaled(50); ++round) {
    r.run([&] {
      std::atomic<bool> ran{false};
      conc::thread child([&] { ran = true; });
      const auto end = std::chrono::steady_clock::now() + 20s;
      while (!ran && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      EXPECT_TRUE(ran) << "round " << round;
      child.join();
    });
  }
}

// The same by a wake instead of a spawn, and again and again within one computing thread.
TEST(steal_stress, a_thread_woken_by_one_who_computes_is_found) {
  conc::runtime r({.processors = 2});
  r.run([&] {
    std::atomic<int> asked{0}, answered{0};
    for (int i = 1; i <= scaled(100); ++i) {
      conc::thread child([&, i] {
        while (asked < i) conc::this_thread::yield();
        answered = i;
      });
      asked = i;
      const auto end = std::chrono::steady_clock::now() + 20s;
      while (answered < i && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      ASSERT_EQ(answered, i);
      child.join();
    }
  });
}

// Three to be run at once, the last two pushed while the watch is being called away for the first:
// somebody has to take over its post.
TEST(steal_stress, a_forgotten_thread_is_found_when_the_watch_has_left) {
  conc::runtime r({.processors = 3});
  for (int round = 0; round < scaled(30); ++round) {
    r.run([&] {
      conc::this_thread::sleep_for(1ms);  // the others fall asleep, one of them as the watch
      std::atomic<int> started{0};
      const auto compute = [&] {
        ++started;
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (started < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      };
      conc::thread b(compute), c(compute);
      const auto end = std::chrono::steady_clock::now() + 20s;
      while (started < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      EXPECT_EQ(started, 2) << "round " << round;
      b.join();
      c.join();
    });
  }
}

// Everything moves: yielders, sleepers and spawners on more processors than there are CPUs. Each
// thread is run to its end exactly once.
TEST(steal_stress, every_thread_runs_exactly_once) {
  for (const unsigned processors : {2u, 4u, 7u}) {
    conc::runtime r({.processors = processors});
    const int parents = 20, children = conc_test::scaled_threads(500);
    std::atomic<long> ran{0};
    std::vector<conc::thread> all;
    for (int p = 0; p < parents; ++p) {
      all.push_back(r.spawn([&, p] {
        std::vector<conc::thread> mine;
        for (int c = 0; c < children; ++c) {
          mine.emplace_back([&, c] {
            if (c % 3 == 0) conc::this_thread::yield();
            if (c % 50 == p) conc::this_thread::sleep_for(100us);
            ++ran;
          });
          if (c % 10 == 0) conc::this_thread::yield();
        }
        for (auto& t : mine) t.join();
      }));
    }
    for (auto& t : all) t.join();
    EXPECT_EQ(ran, static_cast<long>(parents) * children);
    EXPECT_TRUE(conc_test::eventually_all_ended(r));
  }
}

// Two that yield on one processor must not keep the other processor from helping a third.
TEST(steal_stress, idle_processors_take_from_a_queue_that_is_never_empty) {
  conc::runtime r({.processors = 2});
  std::atomic<bool> stop{false};
  std::atomic<int> beside{0};
  std::vector<conc::thread> all;
  for (int i = 0; i < 2; ++i) {
    all.push_back(r.spawn([&] {
      while (!stop) conc::this_thread::yield();
    }));
  }
  for (int i = 0; i < scaled(200); ++i) r.spawn([&] { ++beside; }).join();
  stop = true;
  for (auto& t : all) t.join();
  EXPECT_EQ(beside, scaled(200));
}

}  // namespace
