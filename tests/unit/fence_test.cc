// The two barriers on which protocols without locked instructions rest, each in the smallest
// program that goes wrong without it: both threads store, then load what the other stores; that
// both miss the other's store must not be.
#include "locks/fence.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "conc/config.h"
#include "sched/run_queue.h"
#include "support/scale.h"

namespace {

using conc_test::scaled;

// Waits until both have come to round i; in step, to within the time that a cache line travels.
class lockstep {
 public:
  void meet(int round) {
    arrived_.fetch_add(1);
    for (unsigned looks = 1; arrived_.load() < 2 * (round + 1); ++looks) {
      if (looks % 4096 == 0) sched_yield();  // the other has lost its CPU
      CONC_CPU_RELAX();
    }
  }

 private:
  std::atomic<int> arrived_{0};
};

// Plays up to `rounds` rounds, for at most two seconds, and returns in how many of them both missed
// the other's store.
template <class FirstBarrier, class SecondBarrier>
int failures(FirstBarrier first_barrier, SecondBarrier second_barrier, int rounds) {
  struct alignas(128) cell {
    std::atomic<int> value{0};
  };
  cell x, y;
  alignas(128) int seen_by_first = 0;
  alignas(128) int seen_by_second = 0;
  lockstep step;
  int missed = 0;
  std::atomic<bool> over{false};
  std::thread second([&] {
    for (int i = 1; i <= rounds; ++i) {
      step.meet(2 * i - 2);
      y.value.store(i, std::memory_order_relaxed);
      second_barrier();
      seen_by_second = x.value.load(std::memory_order_relaxed);
      step.meet(2 * i - 1);
      if (over.load()) return;
    }
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  for (int i = 1; i <= rounds; ++i) {
    step.meet(2 * i - 2);
    x.value.store(i, std::memory_order_relaxed);
    first_barrier();
    seen_by_first = y.value.load(std::memory_order_relaxed);
    const bool last = i == rounds || missed > 0 || std::chrono::steady_clock::now() > end;
    over.store(last);
    step.meet(2 * i - 1);
    // In the next round the second only writes after we have met again.
    if (seen_by_first < i && seen_by_second < i) ++missed;
    if (last) break;
  }
  second.join();
  return missed;
}

TEST(fence, a_full_fence_keeps_a_load_behind_an_earlier_store) {
  const auto full = [] { conc::detail::full_fence(); };
  EXPECT_EQ(failures(full, full, scaled(200'000)), 0);
}

// The owner of a run queue holds back its compiler only; the thief's system call does the rest.
TEST(fence, a_barrier_on_all_threads_replaces_the_other_sides_fence) {
  if (!conc::detail::membarrier_works()) return;
  const auto owner = [] { std::atomic_signal_fence(std::memory_order_seq_cst); };
  const auto thief = [] { conc::detail::barrier_on_all_threads(); };
  EXPECT_EQ(failures(owner, thief, scaled(30'000)), 0);
}

}  // namespace
