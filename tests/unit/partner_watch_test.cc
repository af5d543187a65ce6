#include "locks/partner_watch.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "conc/semaphore.h"
#include "locks/kernel_task.h"
#include "locks/usable_cpus.h"
#include "locks/wake_latency.h"
#include "support/eventually.h"

namespace {

using namespace conc::detail;
using conc_test::eventually;

constexpr nanos cost = 2'000, latency = 20'000;

TEST(partner_watch, waits_until_who_was_woken_elsewhere_can_have_answered) {
  partner_watch p;
  EXPECT_FALSE(p.has_news());
  p.woke(100'000, false);
  ASSERT_TRUE(p.has_news());
  EXPECT_EQ(p.worth(105'000, cost, latency), latency - 5'000);
  EXPECT_FALSE(p.has_news());  // for one wait
  // Once it has had its time, or is about to, a wait is worth what it always is.
  for (const nanos later : {119'000, 120'000, 900'000}) {
    p.woke(100'000, false);
    EXPECT_EQ(p.worth(later, cost, latency), cost);
  }
  p.woke(100'000, false);
  EXPECT_EQ(p.worth(100'000, cost, 0), cost);  // the latency is not known
}

TEST(partner_watch, whoever_sleeps_on_this_cpu_needs_it) {
  partner_watch p;
  p.woke(100'000, true);
  EXPECT_EQ(p.worth(105'000, cost, latency), 0);
  p.woke(100'000, true);
  EXPECT_EQ(p.worth(101'000, cost, 0), 0);
  p.woke(100'000, true);
  EXPECT_EQ(p.worth(150'000, cost, latency), cost);  // long ago
}

// Whether the wait after the next wake spins for longer than C; ends it as told.
bool guesses(partner_watch& p, bool answered) {
  p.woke(0, false);
  const bool long_spin = p.worth(0, cost, latency) > cost;
  p.ended(answered);
  return long_spin;
}

TEST(partner_watch, wrong_guesses_become_rare) {
  partner_watch p;
  constexpr int chances = 12'800;
  int long_spins = 0;
  for (int i = 0; i < chances; ++i) long_spins += guesses(p, false);
  EXPECT_GE(long_spins, chances / 128);  // never given up for good
  EXPECT_LE(long_spins, chances / 128 + static_cast<int>(partner_watch::most_doublings));
}

TEST(partner_watch, a_right_guess_makes_up_for_wrong_ones) {
  partner_watch p;
  for (int i = 0; i < 1'000; ++i) guesses(p, false);
  int until_next = 0;
  while (!guesses(p, true)) ASSERT_LE(++until_next, 128);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(guesses(p, true));
  EXPECT_TRUE(guesses(p, false));
  EXPECT_FALSE(guesses(p, false));
  EXPECT_TRUE(guesses(p, true));
}

TEST(wake_latency, is_plausible_and_constant) {
  const nanos l = wake_latency();
  EXPECT_GE(l, 0);
  EXPECT_LE(l, 100'000);
  if (usable_cpus() == 1) {
    EXPECT_EQ(l, 0);
  }
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i) all.emplace_back([&] { EXPECT_EQ(wake_latency(), l); });
  for (auto& t : all) t.join();
  EXPECT_EQ(wake_latency_if_known(), l);
}

void bind_to(std::size_t nth_cpu) {
  cpu_set_t all, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  int cpu = 0;
  for (std::size_t seen = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &all) && seen++ == nth_cpu) break;
  }
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(cpu), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
}

// In futex_wait, not only about to be.
bool sleeps(const kernel_task& t) {
  constexpr std::uint32_t asleep = 2;
  if (t.permit != asleep) return false;
  std::ifstream stat("/proc/self/task/" + std::to_string(t.thread_id) + "/stat");
  std::string word;
  while (stat >> word && !word.ends_with(')')) continue;
  return stat >> word && word == "S";
}

partner_watch& own_watch() { return static_cast<kernel_task&>(current_task()).partner; }

struct what_they_know {
  bool waker_has_news, sleeper_has_news;
  nanos waker, sleeper;  // how long their next waits are worth spinning
};

// A thread on one CPU wakes a thread that sleeps, on the same CPU or another.
what_they_know wake_a_sleeper(bool same_cpu) {
  what_they_know found{};
  constexpr nanos second = 1'000'000'000;
  conc::binary_semaphore called(0);
  std::atomic<kernel_task*> sleeper{nullptr};
  std::thread waits([&] {
    bind_to(0);
    sleeper = &static_cast<kernel_task&>(current_task());
    called.acquire();
    found.sleeper_has_news = own_watch().has_news();
    found.sleeper = own_watch().worth(now(), cost, second);
  });
  std::thread wakes([&] {
    bind_to(same_cpu ? 0 : 1);
    own_watch();  // makes us a task, which otherwise our first wait would do
    EXPECT_TRUE(eventually([&] { return sleeper != nullptr && sleeps(*sleeper); }));
    called.release();
    found.waker_has_news = own_watch().has_news();
    found.waker = own_watch().worth(now(), cost, second);
  });
  waits.join();
  wakes.join();
  return found;
}

TEST(kernel_task, learns_where_the_thread_slept_that_it_woke) {
  const what_they_know found = wake_a_sleeper(true);
  EXPECT_EQ(found.waker_has_news, usable_cpus() > 1);  // with one CPU it makes no difference
  EXPECT_EQ(found.sleeper_has_news, usable_cpus() > 1);
  if (usable_cpus() == 1) return;
  EXPECT_EQ(found.waker, 0);
  EXPECT_EQ(found.sleeper, 0);
  const what_they_know across = wake_a_sleeper(false);
  EXPECT_GT(across.waker, cost);
  EXPECT_FALSE(across.sleeper_has_news);
}

}  // namespace
