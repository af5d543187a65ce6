#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <random>

#include "conc/condition_variable.h"
#include "conc/mutex.h"
#include "conc/runtime.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::scaled;

// Every way into one mutex at once, in every proportion of user threads to kernel threads.
TEST(mutex_stress, all_entrances_at_once) {
  for (const int kernels : {0, 1, 2, 6}) {
    conc::mutex m;
    long counter = 0;
    std::atomic<long> entered{0};
    const int rounds = scaled(15'000);
    const auto work = [&](int me) {
      std::minstd_rand random(static_cast<unsigned>(me + 1));
      for (int i = 0; i < rounds; ++i) {
        if (random() % 4 == 0) {
          if (!m.try_lock()) continue;
        } else {
          m.lock();
        }
        ++counter;
        if (random() % 64 == 0) conc::this_thread::yield();
        m.unlock();
        ++entered;
      }
    };
    crew().users(6, work).kernels(kernels, work).join();
    EXPECT_EQ(counter, entered) << kernels;
  }
}

// Many mutexes whose addresses share buckets and whose waiters come and go.
TEST(mutex_stress, many_mutexes) {
  constexpr std::size_t n = 64;
  struct cell {
    conc::mutex m;
    long value = 0;
  };
  std::array<cell, n> cells;
  const int rounds = scaled(20'000);
  crew()
      .mixed(8,
             [&](int me) {
               std::minstd_rand random(static_cast<unsigned>(me + 1));
               for (int i = 0; i < rounds; ++i) {
                 const std::size_t a = random() % n, b = random() % n;
                 if (a == b) continue;
                 const std::scoped_lock both(cells[a].m, cells[b].m);
                 ++cells[a].value;
                 --cells[b].value;
               }
             })
      .join();
  long sum = 0;
  for (const cell& c : cells) sum += c.value;
  EXPECT_EQ(sum, 0);
}

// Nobody starves: under steady contention each member of a mixed crew gets its share of entries
// before a generous deadline, which is only missed by a lost wake.
TEST(mutex_stress, everybody_gets_in) {
  conc::mutex m;
  const int members = 12, wanted = scaled(300);
  std::array<std::atomic<int>, 12> entries{};
  std::atomic<int> done{0};
  crew all;
  all.mixed(members, [&](int me) {
    auto& mine = entries[static_cast<std::size_t>(me)];
    while (done < members) {
      const std::lock_guard guard(m);
      if (++mine == wanted) ++done;
    }
  });
  EXPECT_TRUE(conc_test::eventually([&] { return done == members; }));
  done = members;
}

// Two runtimes and kernel threads, handing one token round: every hand-over crosses a border.
TEST(mutex_stress, a_token_travels_between_runtimes) {
  conc::runtime a({.processors = 1}), b({.processors = 2});
  conc::mutex m;
  conc::condition_variable moved;
  int holder = 0;
  const int rounds = scaled(2'000);
  const auto play = [&](int me) {
    for (int i = 0; i < rounds; ++i) {
      std::unique_lock lock(m);
      moved.wait(lock, [&] { return holder == me; });
      holder = (me + 1) % 3;
      moved.notify_all();
    }
  };
  conc::thread first = a.spawn(play, 0), second = b.spawn(play, 1);
  std::thread third(play, 2);
  first.join();
  second.join();
  third.join();
  EXPECT_EQ(holder, 0);
}

}  // namespace
