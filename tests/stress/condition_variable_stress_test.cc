#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>

#include "conc/condition_variable.h"
#include "conc/mutex.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually;
using conc_test::scaled;
using unique_lock = std::unique_lock<conc::mutex>;

// A bounded buffer between producers and consumers of both kinds: everything that goes in comes out
// once, with notify_one only. One lost notification and somebody waits for ever.
TEST(condition_variable_stress, a_bounded_buffer_loses_nothing) {
  constexpr std::size_t room = 3;
  conc::mutex m;
  conc::condition_variable not_full, not_empty;
  std::deque<int> items;
  const int each = scaled(10'000);
  std::atomic<long> sum_in{0}, sum_out{0};
  crew all;
  all.mixed(4, [&](int me) {
    for (int i = 0; i < each; ++i) {
      const int item = me * each + i;
      sum_in += item;
      unique_lock lock(m);
      not_full.wait(lock, [&] { return items.size() < room; });
      items.push_back(item);
      lock.unlock();
      not_empty.notify_one();
    }
  });
  all.mixed(4, [&](int) {
    for (int i = 0; i < each; ++i) {
      unique_lock lock(m);
      not_empty.wait(lock, [&] { return !items.empty(); });
      sum_out += items.front();
      items.pop_front();
      not_full.notify_one();
    }
  });
  all.join();
  EXPECT_TRUE(items.empty());
  EXPECT_EQ(sum_in, sum_out);
}

// Generations: all must have arrived before anybody goes on, again and again, by notify_all.
TEST(condition_variable_stress, a_cyclic_barrier_by_notify_all) {
  constexpr int n = 10;
  conc::mutex m;
  conc::condition_variable turned;
  int arrived = 0, generation = 0;
  const int rounds = scaled(2'000);
  crew()
      .mixed(n,
             [&](int) {
               for (int i = 0; i < rounds; ++i) {
                 unique_lock lock(m);
                 const int mine = generation;
                 ASSERT_EQ(mine, i);
                 if (++arrived == n) {
                   arrived = 0;
                   ++generation;
                   turned.notify_all();
                 } else {
                   turned.wait(lock, [&] { return generation != mine; });
                 }
               }
             })
      .join();
  EXPECT_EQ(generation, rounds);
}

// Each notification that finds a waiter wakes exactly one, without spurious wakes: the number of
// returns from untimed waits equals the number of notifications that were used up.
TEST(condition_variable_stress, notifications_and_wakes_balance) {
  constexpr int n = 8;
  conc::mutex m;
  conc::condition_variable cv;
  long waiting = 0, woken = 0, promised = 0;
  bool stop = false;
  crew waiters;
  waiters.mixed(n, [&](int) {
    unique_lock lock(m);
    while (!stop) {
      ++waiting;
      cv.wait(lock);
      ++woken;
    }
  });
  crew notifiers;
  notifiers.mixed(2, [&](int me) {
    for (int i = 0; i < scaled(5'000); ++i) {
      {
        const std::lock_guard guard(m);
        // Under the mutex: whoever is counted as waiting and not promised a wake is in the queue.
        if (waiting > promised) {
          ++promised;
          cv.notify_one();
        }
        EXPECT_LE(woken, promised);
      }
      if (me % 2 == 0 || i % 8 == 0) conc::this_thread::yield();
    }
  });
  notifiers.join();
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard guard(m);
    return woken == promised;
  }));
  {
    const std::lock_guard guard(m);
    stop = true;
    cv.notify_all();
  }
  waiters.join();
}

}  // namespace
