#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "conc/runtime.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::eventually;
using conc_test::scaled_threads;

// The end of a thread and the arrival of its joiner race in every phase: at once, after a yield,
// from the same processor, from another one and from a kernel thread.
TEST(spawn_join_stress, joiners_of_both_kinds) {
  std::atomic<long> ran{0};
  const int rounds = scaled_threads(20'000);
  crew()
      .mixed(6,
             [&](int me) {
               std::minstd_rand random(static_cast<unsigned>(me + 1));
               for (int i = 0; i < rounds; ++i) {
                 const bool child_yields = random() % 3 == 0;
                 long result = 0;
                 conc::thread t([&] {
                   if (child_yields) conc::this_thread::yield();
                   result = i + 1;
                   ++ran;
                 });
                 if (random() % 3 == 0) conc::this_thread::yield();
                 t.join();
                 ASSERT_EQ(result, i + 1);
               }
             })
      .join();
  EXPECT_EQ(ran, 6L * rounds);
}

// Handles that wander: made by one thread, joined or detached by another, also of another kind.
TEST(spawn_join_stress, handles_change_hands) {
  std::atomic<long> ended{0};
  const int batches = scaled_threads(200);
  static constexpr int n = 32;
  crew()
      .mixed(4,
             [&](int me) {
               for (int b = 0; b < batches; ++b) {
                 std::vector<conc::thread> made;
                 for (int i = 0; i < n; ++i) made.emplace_back([&] { ++ended; });
                 const auto finish = [&made](int from) {
                   for (int i = from; i < n; i += 2) {
                     auto& t = made[static_cast<std::size_t>(i)];
                     i % 3 == 0 ? t.detach() : t.join();
                   }
                 };
                 if (me % 4 < 2) {
                   conc::thread other(finish, 0);
                   finish(1);
                   other.join();
                 } else {
                   std::thread other(finish, 0);
                   finish(1);
                   other.join();
                 }
               }
             })
      .join();
  EXPECT_TRUE(eventually([&] { return ended == 4L * batches * n; }));
}

// A tree of threads, each joining its two children: deep, wide, and all over the processors.
TEST(spawn_join_stress, a_tree) {
  struct tree {
    static long grow(int depth) {
      if (depth == 0) return 1;
      long left = 0, right = 0;
      conc::thread l([&, depth] { left = grow(depth - 1); });
      conc::thread r([&, depth] { right = grow(depth - 1); });
      l.join();
      r.join();
      return left + right;
    }
  };
  const int depth = conc_test::under_tsan ? 6 : 13;
  for (int i = 0; i < 3; ++i) {
    long leaves = 0;
    conc::thread([&] { leaves = tree::grow(depth); }).join();
    EXPECT_EQ(leaves, 1L << depth);
  }
}

// Detaching races with the end: whoever comes second frees the block, and exactly one does, or the
// next threads would share it.
TEST(spawn_join_stress, detach_races_with_the_end) {
  std::atomic<long> alive{0};
  crew()
      .mixed(2,
             [&](int) {
               for (int i = 0; i < scaled_threads(20'000); ++i) {
                 ++alive;
                 conc::thread t([&] { --alive; });
                 if (i % 2 == 0) conc::this_thread::yield();
                 t.detach();
               }
             })
      .join();
  EXPECT_TRUE(eventually([&] { return alive == 0; }));
}

// Stacks of their own size are mapped and unmapped while pool stacks go round.
TEST(spawn_join_stress, stacks_of_many_sizes) {
  crew()
      .mixed(4,
             [&](int me) {
               for (int i = 0; i < conc_test::scaled(500); ++i) {
                 const std::size_t size = static_cast<std::size_t>((i + me) % 5) << 16;
                 int got = 0;
                 conc::thread({.name = i % 2 == 0 ? "named" : "", .stack_size = size}, [&] {
                   volatile char room[8'000];
                   room[7'999] = 1;
                   conc::this_thread::yield();
                   got = room[7'999];
                 }).join();
                 ASSERT_EQ(got, 1);
               }
             })
      .join();
}

}  // namespace
