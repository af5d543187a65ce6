// Trees of children whose parents are taken by thieves, by the dispatcher, and by nobody, while
// their children end, suspend themselves, block the kernel thread and throw.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "conc/blocking.h"
#include "conc/mutex.h"
#include "conc/runtime.h"
#include "conc/task_group.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::scaled;

struct counts {
  std::atomic<long> ran{0}, caught{0};
  conc::mutex lock;
  long guarded = 0;
};

// What a child does besides having children: mostly nothing.
void something(std::minstd_rand& random, counts& c) {
  switch (random() % 32) {
    case 0:
      conc::this_thread::yield();
      break;
    case 1:
      conc::this_thread::sleep_for(std::chrono::microseconds(random() % 30));
      break;
    case 2:
      conc::blocking([] {});
      break;
    case 3:
    case 4: {
      const std::lock_guard guard(c.lock);
      ++c.guarded;
      if (random() % 4 == 0) conc::this_thread::yield();
      break;
    }
    case 5: {
      const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 20);
      while (std::chrono::steady_clock::now() < end) {
      }
      break;
    }
    default:
      break;
  }
}

// Returns how many nodes the tree has, counted by the parents from what their children tell them.
long tree(unsigned seed, int depth, counts& c) {
  std::minstd_rand random(seed);
  c.ran.fetch_add(1, std::memory_order_relaxed);
  something(random, c);
  if (depth == 0) return 1;
  long nodes[4] = {};
  bool thrown = false;
  conc::task_group g;
  const int children = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < children; ++i) {
    const bool throws = random() % 16 == 0;
    thrown |= throws;
    g.run([&c, &n = nodes[i], throws, depth, seed = random()] {
      n = tree(static_cast<unsigned>(seed), depth - 1, c);
      if (throws) throw 1;
    });
    something(random, c);
  }
  try {
    g.wait();
    EXPECT_FALSE(thrown);
  } catch (int) {
    EXPECT_TRUE(thrown);
    c.caught.fetch_add(1, std::memory_order_relaxed);
  }
  return 1 + nodes[0] + nodes[1] + nodes[2] + nodes[3];
}

void grow_trees(unsigned processors) {
  conc::runtime r({.processors = processors});
  counts c;
  std::atomic<long> nodes{0};
  std::vector<conc::thread> all;
  for (unsigned i = 0; i < 4; ++i) {
    all.push_back(r.spawn([&, i] {
      for (int round = 0; round < scaled(30); ++round) {
        nodes +=
            tree(i * 1000 + static_cast<unsigned>(round) + 1, conc_test::under_tsan ? 5 : 7, c);
      }
    }));
  }
  for (auto& t : all) t.join();
  EXPECT_EQ(nodes, c.ran);
  EXPECT_TRUE(conc_test::eventually_all_ended(r));
}

TEST(task_group_stress, trees_on_one_processor) { grow_trees(1); }
TEST(task_group_stress, trees_on_two_processors) { grow_trees(2); }
TEST(task_group_stress, trees_on_more_processors_than_cpus) { grow_trees(4); }

// The group ends, with its memory, as the last child tells it: from another processor, or at once.
TEST(task_group_stress, groups_end_right_after_their_last_child) {
  conc::runtime r({.processors = 2});
  r.run([] {
    for (int i = 0; i < scaled(3000); ++i) {
      auto g = std::make_unique<conc::task_group>();
      std::atomic<int> ran{0};
      for (int k = 0; k < 4; ++k) {
        g->run([&, k] {
          if (k == i % 4) conc::this_thread::yield();
          ++ran;
        });
      }
      g->wait();
      g.reset();
      ASSERT_EQ(ran, 4);
    }
  });
  // The owner is a kernel thread.
  for (int i = 0; i < scaled(1000); ++i) {
    auto g = std::make_unique<conc::task_group>();
    std::atomic<int> ran{0};
    for (int k = 0; k < 3; ++k) g->run([&] { ++ran; });
    g->wait();
    g.reset();
    ASSERT_EQ(ran, 3);
  }
}

}  // namespace
