// The lost wake: work appears just as the last processor that could do it falls asleep.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "conc/two_phase_lock.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::eventually;
using conc_test::scaled;

void pause_for(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// A kernel thread posts, waits for the answer, lets the processors fall asleep for a varying moment
// and posts again. Every post must be answered.
TEST(idle_wake_stress, posts_from_outside) {
  for (const unsigned processors : {1u, 2u, 4u}) {
    conc::runtime r({.processors = processors});
    std::minstd_rand random(1);
    for (int i = 0; i < scaled(1'000); ++i) {
      std::atomic<bool> done{false};
      conc::thread t = r.spawn([&] { done = true; });
      const auto end = std::chrono::steady_clock::now() + 20s;
      while (!done && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      ASSERT_TRUE(done) << "post " << i << " on " << processors << " processors was lost";
      t.join();
      if (i % 4 != 0) pause_for(std::chrono::microseconds(random() % 40));
    }
  }
}

// A processor falls asleep after it has looked around for about C; the post is aimed at that
// moment, in small steps around it.
TEST(idle_wake_stress, posts_just_as_the_processor_falls_asleep) {
  conc::runtime r({.processors = 1});
  conc::counting_semaphore<> go(0);
  std::atomic<int> answered{0};
  const int rounds = scaled(20'000);
  conc::thread servant = r.spawn([&] {
    for (int i = 0; i < rounds; ++i) {
      go.acquire();
      ++answered;
    }
  });
  const auto c = conc::thread::hardware_concurrency() == 1 ? 0ns : conc::measured_block_cost();
  for (int i = 0; i < rounds; ++i) {
    go.release();
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (answered <= i && std::chrono::steady_clock::now() < end) {
    }
    ASSERT_EQ(answered, i + 1) << "post " << i << " was lost";
    pause_for(c - 1us + i % 400 * 10ns);
  }
  servant.join();
}

// The same from inside: a thread that never suspends wakes another one, whose only hope is an idle
// processor that is about to fall asleep.
TEST(idle_wake_stress, wakes_from_a_busy_processor) {
  conc::runtime r({.processors = 2});
  r.run([&] {
    conc::counting_semaphore<> go(0);
    std::atomic<int> answered{0};
    std::atomic<bool> stop{false};
    std::vector<conc::thread> servants;
    for (int i = 0; i < 2; ++i) {
      servants.emplace_back([&] {
        for (;;) {
          go.acquire();
          if (stop) return;
          ++answered;
        }
      });
    }
    std::minstd_rand random(2);
    for (int i = 1; i <= scaled(1'000); ++i) {
      pause_for(std::chrono::microseconds(random() % 40));
      go.release();
      const auto end = std::chrono::steady_clock::now() + 20s;
      while (answered < i && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      ASSERT_EQ(answered, i);
    }
    stop = true;
    go.release(2);
    for (auto& t : servants) t.join();
  });
}

// Two to be run at once by a busy processor: the second may not rely on the wake for the first.
TEST(idle_wake_stress, pairs_of_wakes) {
  conc::runtime r({.processors = 3});
  std::minstd_rand random(3);
  for (int i = 0; i < scaled(600); ++i) {
    std::atomic<int> met{0};
    r.run([&] {
      // Both have to run at the same time as their parent: three processors are needed.
      const auto meet = [&] {
        ++met;
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (met < 3 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      };
      conc::thread a(meet), b(meet);
      meet();
      EXPECT_EQ(met, 3) << "round " << i;
      a.join();
      b.join();
    });
    if (i % 2 == 0) pause_for(std::chrono::microseconds(random() % 60));
  }
}

// Timers of a processor that sleeps, armed and gone again from all sides.
TEST(idle_wake_stress, sleepers_on_sleeping_processors) {
  conc::runtime r({.processors = 4});
  std::atomic<int> woken{0};
  std::vector<conc::thread> all;
  const int n = 40, rounds = scaled(50);
  for (int i = 0; i < n; ++i) {
    all.push_back(r.spawn([&, i] {
      for (int k = 0; k < rounds; ++k) {
        const auto time = std::chrono::microseconds(50 + (i * 37 + k * 101) % 2'000);
        const auto until = std::chrono::steady_clock::now() + time;
        conc::this_thread::sleep_until(until);
        if (std::chrono::steady_clock::now() >= until) ++woken;
      }
    }));
  }
  for (auto& t : all) t.join();
  EXPECT_EQ(woken, n * rounds);
}

}  // namespace
