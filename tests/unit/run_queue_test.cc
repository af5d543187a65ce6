#include "sched/run_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support/scale.h"

namespace {

using conc::detail::run_queue;
using conc::detail::tcb;

std::unique_ptr<tcb[]> blocks(int n) {
  return std::make_unique<tcb[]>(static_cast<std::size_t>(n));
}

TEST(run_queue, is_first_in_first_out) {
  run_queue q;
  const auto t = blocks(3);
  q.enter();
  EXPECT_EQ(q.pop_front(), nullptr);
  for (int i = 0; i < 3; ++i) q.push_back(t[i]);
  EXPECT_EQ(q.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(q.pop_front(), &t[i]);
  EXPECT_EQ(q.size(), 0u);
  EXPECT_EQ(q.pop_front(), nullptr);
  q.push_back(t[2]);
  EXPECT_EQ(q.pop_front(), &t[2]);
  q.leave();
}

TEST(run_queue, a_thief_keeps_other_thieves_out) {
  run_queue q;
  ASSERT_TRUE(q.begin_theft());
  EXPECT_FALSE(q.begin_theft());
  q.end_theft();
  EXPECT_TRUE(q.begin_theft());
  q.end_theft();
  q.enter();
  q.leave();
}

TEST(run_queue, a_thief_gives_up_when_the_owner_stays_inside) {
  run_queue q;
  q.enter();
  std::thread([&] { EXPECT_FALSE(q.begin_theft()); }).join();
  q.leave();
  EXPECT_TRUE(q.begin_theft());
  q.end_theft();
}

// The owner works at full speed while thieves come: nobody is inside with anybody else, and every
// block is always in exactly one place.
TEST(run_queue, owner_and_thieves_are_never_inside_together) {
  constexpr int n = 64;
  run_queue q;
  const auto t = blocks(n);
  for (int i = 0; i < n; ++i) q.push_back(t[i]);

  // Plain memory, written by whoever is inside.
  volatile int inside = 0;
  int entries = 0;
  const auto visit = [&] {
    for (int i = 0; i < 4; ++i) inside = inside + 1;
    const bool alone = inside == 4;
    for (int i = 0; i < 4; ++i) inside = inside - 1;
    ++entries;
    return alone;
  };
  std::atomic<bool> stop{false};
  std::atomic<int> faults{0}, thefts{0};
  std::vector<std::thread> thieves;
  for (int k = 0; k < 2; ++k) {
    thieves.emplace_back([&] {
      while (!stop) {
        if (!q.begin_theft()) {
          std::this_thread::yield();
          continue;
        }
        if (!visit()) ++faults;
        if (tcb* loot = q.pop_front(); loot != nullptr) q.push_back(*loot);
        q.end_theft();
        ++thefts;
      }
    });
  }
  const int wanted = conc_test::scaled(2'000);
  int own = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (thefts < wanted && std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 200; ++i, ++own) {
      q.enter();
      if (!visit()) ++faults;
      if (tcb* mine = q.pop_front(); mine != nullptr) q.push_back(*mine);
      q.leave();
    }
  }
  stop = true;
  for (auto& thief : thieves) thief.join();
  EXPECT_EQ(faults, 0);
  EXPECT_EQ(entries, own + thefts);
  EXPECT_GE(thefts, wanted);
  EXPECT_EQ(q.size(), static_cast<std::uint32_t>(n));
  int left = 0;
  while (q.pop_front() != nullptr && left <= n) ++left;
  EXPECT_EQ(left, n);
}

}  // namespace
