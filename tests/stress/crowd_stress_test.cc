// More threads than CPUs, four times and thirty-two times as many, while hogs keep every CPU busy:
// whoever holds a lock is likely to be off its CPU. Nobody may be lost, and all have to get done.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "support/crew.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::scaled;

// A kernel thread for each CPU that does nothing but use it.
class hogs {
 public:
  hogs() {
    const unsigned n = conc::thread::hardware_concurrency();
    for (unsigned i = 0; i < n; ++i) {
      busy_.emplace_back([this] {
        while (!stop_.load(std::memory_order_relaxed)) {
        }
      });
    }
  }
  ~hogs() {
    stop_ = true;
    for (auto& t : busy_) t.join();
  }
  hogs(const hogs&) = delete;
  hogs& operator=(const hogs&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> busy_;
};

// As many rounds for each member that all crowds together take about as long. Half of the members
// are kernel threads.
template <class Work>
void in_crowds(Work work) {
  const hogs in_the_way;
  for (const int times : {4, 32}) {
    const int members = times * static_cast<int>(conc::thread::hardware_concurrency());
    work(members, std::max(4, scaled(2'000) / members));
  }
}

template <class Mutex>
void excludes(int members, int rounds) {
  Mutex m;
  long counter = 0;
  crew()
      .mixed(members,
             [&](int) {
               for (int i = 0; i < rounds; ++i) {
                 const std::lock_guard guard(m);
                 const long seen = counter;
                 if (i % 8 == 0) conc::this_thread::yield();
                 counter = seen + 1;
               }
             })
      .join();
  EXPECT_EQ(counter, static_cast<long>(members) * rounds);
}

TEST(crowd_stress, mutexes) {
  in_crowds([](int members, int rounds) {
    excludes<conc::mutex>(members, rounds);
    excludes<conc::recursive_timed_mutex>(members, rounds);
    excludes<conc::shared_mutex>(members, rounds);
    excludes<conc::two_phase_lock>(members, rounds);
  });
}

TEST(crowd_stress, readers_and_writers) {
  in_crowds([](int members, int rounds) {
    conc::shared_timed_mutex m;
    long counter = 0;
    std::atomic<long> written{0}, torn{0};
    crew()
        .mixed(members,
               [&](int me) {
                 for (int i = 0; i < rounds; ++i) {
                   if ((me + i) % 4 == 0) {
                     const std::lock_guard guard(m);
                     ++counter;
                     ++written;
                   } else if (m.try_lock_shared_for(std::chrono::microseconds(i % 3 * 200))) {
                     if (counter != written) ++torn;
                     m.unlock_shared();
                   }
                 }
               })
        .join();
    EXPECT_EQ(counter, written);
    EXPECT_EQ(torn, 0);
  });
}

TEST(crowd_stress, a_bounded_buffer_by_condition_variables) {
  in_crowds([](int members, int rounds) {
    conc::mutex m;
    conc::condition_variable not_full, not_empty;
    int items = 0;
    long made = 0, taken = 0;
    crew()
        .mixed(members / 4 * 4,
               [&](int me) {
                 for (int i = 0; i < rounds; ++i) {
                   std::unique_lock lock(m);
                   if (me / 2 % 2 == 0) {  // both kinds on both sides
                     not_full.wait(lock, [&] { return items < 3; });
                     ++items, ++made;
                     not_empty.notify_one();
                   } else {
                     not_empty.wait(lock, [&] { return items > 0; });
                     --items, ++taken;
                     not_full.notify_one();
                   }
                 }
               })
        .join();
    EXPECT_EQ(made, taken);
    EXPECT_EQ(items, 0);
  });
}

TEST(crowd_stress, permits_with_and_without_deadlines) {
  in_crowds([](int members, int rounds) {
    conc::counting_semaphore<3> permits(3);
    std::atomic<int> inside{0}, most{0};
    crew()
        .mixed(members,
               [&](int me) {
                 for (int i = 0; i < rounds; ++i) {
                   if (me % 3 == 0) {
                     if (!permits.try_acquire_for(std::chrono::microseconds(100))) continue;
                   } else {
                     permits.acquire();
                   }
                   const int now = ++inside;
                   for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
                   }
                   if (i % 4 == 0) conc::this_thread::yield();
                   --inside;
                   permits.release();
                 }
               })
        .join();
    EXPECT_LE(most, 3);
    EXPECT_EQ(permits.value(), 3);
  });
}

TEST(crowd_stress, a_barrier_for_all) {
  in_crowds([](int members, int rounds) {
    long counter = 0;
    std::atomic<long> wrong{0};
    const int phases = std::max(2, rounds / 8);
    conc::barrier all(members, [&counter]() noexcept { ++counter; });
    crew()
        .mixed(members,
               [&](int) {
                 for (int i = 1; i <= phases; ++i) {
                   all.arrive_and_wait();
                   // The next phase cannot end before this member has arrived again.
                   if (counter != i) ++wrong;
                 }
               })
        .join();
    EXPECT_EQ(wrong, 0);
  });
}

}  // namespace
