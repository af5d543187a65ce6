// The locks that need no read-modify-write but the names of their callers.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually;
using conc_test::scaled;

// Plain stores to memory that only a lock protects, and what they show if it does not.
struct witness {
  volatile int inside = 0;
  long entries = 0;
  std::atomic<long> faults{0};

  template <class Stay>
  void visit(Stay stay) {
    for (int i = 0; i < 10; ++i) inside = inside + 1;
    stay();
    if (inside != 10) ++faults;
    for (int i = 0; i < 10; ++i) inside = inside - 1;
    ++entries;
  }
};

template <class Lock>
void compete(Lock& lock, unsigned threads, int rounds, int yield_every) {
  witness w;
  crew()
      .mixed(static_cast<int>(threads),
             [&](int i) {
               const auto me = static_cast<unsigned>(i);
               for (int k = 0; k < rounds; ++k) {
                 lock.lock(me);
                 w.visit([&] {
                   if (k % yield_every == 0) conc::this_thread::yield();
                 });
                 lock.unlock(me);
               }
             })
      .join();
  EXPECT_EQ(w.faults, 0);
  EXPECT_EQ(w.entries, static_cast<long>(threads) * rounds);
}

TEST(peterson_lock, keeps_two_apart) {
  conc::peterson_lock lock;
  compete(lock, 2, scaled(20'000), 100);
}
TEST(filter_lock, keeps_many_apart) {
  for (const unsigned threads : {1u, 2u, 3u, 6u}) {
    conc::filter_lock lock(threads);
    EXPECT_EQ(lock.threads(), threads);
    compete(lock, threads, scaled(1'500), 50);
  }
}
TEST(bakery_lock, keeps_many_apart) {
  for (const unsigned threads : {1u, 2u, 3u, 6u}) {
    conc::bakery_lock lock(threads);
    EXPECT_EQ(lock.threads(), threads);
    compete(lock, threads, scaled(1'500), 50);
  }
}

// Two kernel threads that come at the same moment, again and again, each with its store buffer full
// of stores to memory that is in no cache near: this is where a load that overtakes a store shows.
// (On one CPU it cannot.)
struct alignas(64) cold {
  volatile int word = 0;
};
template <class Lock>
void race(Lock& lock) {
  witness w;
  std::vector<cold> far_away[2] = {std::vector<cold>(1 << 17), std::vector<cold>(1 << 17)};
  std::atomic<int> arrived{0};
  std::atomic<long> met{0};  // rounds in which both were running when they came
  const int rounds = scaled(2'000);
  const auto one_batch = [&](int i) {
    const auto me = static_cast<unsigned>(i);
    unsigned next = 0;
    for (int k = 0; k < rounds; ++k) {
      ++arrived;
      int looks = 0;
      while (arrived < 2 * (k + 1)) {
        if (++looks > 20'000) std::this_thread::yield();
      }
      if (looks > 0 && looks <= 20'000) ++met;
      for (int n = 0; n < 32; ++n) far_away[i][(next += 40'503) % far_away[i].size()].word = k;
      lock.lock(me);
      w.visit([] {});
      lock.unlock(me);
    }
  };
  int batches = 0;
  const auto end = std::chrono::steady_clock::now() + 500ms;
  do {
    arrived = 0;
    crew().kernels(2, one_batch).join();
    ++batches;
  } while (met < 20L * rounds && std::chrono::steady_clock::now() < end);
  EXPECT_EQ(w.faults, 0);
  EXPECT_EQ(w.entries, 2L * batches * rounds);
}
TEST(peterson_lock, a_load_does_not_overtake_a_store) {
  conc::peterson_lock lock;
  race(lock);
}
TEST(filter_lock, a_load_does_not_overtake_a_store) {
  conc::filter_lock lock(2);
  race(lock);
}
TEST(bakery_lock, a_load_does_not_overtake_a_store) {
  conc::bakery_lock lock(2);
  race(lock);
}

template <class Lock>
void works_on_one_processor(Lock& lock, int threads) {
  conc::runtime one({.processors = 1});
  witness w;
  const int rounds = scaled(50);
  one.run([&] {
    std::vector<conc::thread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([&, me = static_cast<unsigned>(i)] {
        for (int k = 0; k < rounds; ++k) {
          lock.lock(me);
          w.visit([] { conc::this_thread::yield(); });
          lock.unlock(me);
        }
      });
    }
    for (auto& t : all) t.join();
  });
  EXPECT_EQ(w.faults, 0);
  EXPECT_EQ(w.entries, static_cast<long>(threads) * rounds);
}
TEST(numbered_locks, a_single_processor_suffices) {
  conc::peterson_lock two;
  works_on_one_processor(two, 2);
  conc::filter_lock filter(5);
  works_on_one_processor(filter, 5);
  conc::bakery_lock bakery(5);
  works_on_one_processor(bakery, 5);
}

// K = 1: whoever leaves and comes again finds that it is his turn to wait.
TEST(peterson_lock, the_other_gets_in_at_most_once_more) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    conc::peterson_lock lock;
    bool waits = false, entered = false;
    lock.lock(0);
    conc::thread other([&] {
      waits = true;
      lock.lock(1);
      entered = true;
      lock.unlock(1);
    });
    ASSERT_TRUE(eventually([&] { return waits; }));
    int passed = 0;
    while (!entered) {
      lock.unlock(0);
      lock.lock(0);
      ++passed;
      ASSERT_LE(passed, 2);
    }
    EXPECT_LE(passed - 1, 1);
    lock.unlock(0);
    other.join();
  });
}

// K = 0: by the numbers that they took, which are greater the later they came, whatever their
// index.
TEST(bakery_lock, serves_in_the_order_of_arrival_and_nobody_passes) {
  conc::runtime one({.processors = 1});
  std::vector<unsigned> order;
  one.run([&] {
    conc::bakery_lock lock(6);
    lock.lock(0);
    int arrived = 0;
    std::vector<conc::thread> all;
    for (const unsigned i : {3u, 1u, 5u, 2u}) {
      all.emplace_back([&, i] {
        ++arrived;
        lock.lock(i);
        order.push_back(i);
        lock.unlock(i);
      });
      ASSERT_TRUE(eventually([&, n = static_cast<int>(all.size())] { return arrived == n; }));
    }
    lock.unlock(0);
    lock.lock(0);
    order.push_back(0);
    lock.unlock(0);
    for (auto& t : all) t.join();
  });
  EXPECT_EQ(order, (std::vector<unsigned>{3, 1, 5, 2, 0}));
}

// The lock that everybody invents first: look at a flag, then set it. Between the look and the
// store anybody may come, and no order of memory helps. Here the gap is where the scheduler changes
// threads; on kernel threads it is where the clock interrupts, or another CPU is faster.
class single_flag_lock {
 public:
  void lock(unsigned) noexcept {
    while (taken_.load()) conc::this_thread::yield();
    conc::this_thread::yield();
    taken_.store(true);
  }
  void unlock(unsigned) noexcept { taken_.store(false); }

 private:
  std::atomic<bool> taken_{false};
};

TEST(single_flag_lock, does_not_exclude) {
  conc::runtime one({.processors = 1});
  single_flag_lock lock;
  int inside = 0, most = 0;
  one.run([&] {
    std::vector<conc::thread> all;
    for (unsigned me = 0; me < 2; ++me) {
      all.emplace_back([&, me] {
        lock.lock(me);
        most = std::max(most, ++inside);
        conc::this_thread::yield();
        --inside;
        lock.unlock(me);
      });
    }
    for (auto& t : all) t.join();
  });
  EXPECT_EQ(most, 2);
}

TEST(numbered_locks, are_for_one_thread_at_least) {
  EXPECT_THROW(conc::filter_lock(0), std::invalid_argument);
  EXPECT_THROW(conc::bakery_lock(0), std::invalid_argument);
}

using NumberedLocksDeathTest = conc_test::death_test;

template <class Lock>
void die_of_misuse(Lock& lock, const char* name, unsigned too_great) {
  const std::string prefix = std::string("a conc::") + name;
  EXPECT_DEATH(lock.lock(too_great), prefix + " was locked by a thread");
  EXPECT_DEATH(lock.unlock(too_great), prefix + " was unlocked by a thread that does not hold it");
  EXPECT_DEATH(lock.unlock(0), prefix + " was unlocked by a thread that does not hold it");
  EXPECT_DEATH(
      {
        lock.lock(1);
        lock.lock(1);
      },
      prefix + " was locked twice in the name of one thread");
  EXPECT_DEATH(
      {
        lock.lock(1);
        lock.unlock(0);
      },
      prefix + " was unlocked by a thread that does not hold it");
}

TEST_F(NumberedLocksDeathTest, misuse_has_a_message) {
  conc::peterson_lock peterson;
  die_of_misuse(peterson, "peterson_lock", 2);
  conc::filter_lock filter(3);
  die_of_misuse(filter, "filter_lock", 3);
  conc::bakery_lock bakery(3);
  die_of_misuse(bakery, "bakery_lock", 3);
}

}  // namespace
