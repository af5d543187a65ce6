#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>

#include "conc/semaphore.h"
#include "support/crew.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::scaled;

// Conservation: whatever the mixture of plain, trying and timed acquires and of releases of several
// permits at once, in the end there are as many as in the beginning.
TEST(semaphore_stress, permits_are_conserved) {
  for (const int permits : {1, 3}) {
    conc::counting_semaphore<> s(permits);
    std::atomic<int> inside{0}, most{0};
    const int rounds = scaled(4'000);
    crew()
        .mixed(8,
               [&](int me) {
                 std::minstd_rand random(static_cast<unsigned>(me + 1));
                 for (int i = 0; i < rounds; ++i) {
                   bool got = true;
                   switch (random() % 4) {
                     case 0:
                       got = s.try_acquire();
                       break;
                     case 1:
                       got = s.try_acquire_for(std::chrono::microseconds(random() % 60));
                       break;
                     default:
                       s.acquire();
                   }
                   if (!got) continue;
                   const int now = ++inside;
                   for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
                   }
                   if (random() % 16 == 0) conc::this_thread::yield();
                   --inside;
                   s.release();
                 }
               })
        .join();
    EXPECT_EQ(s.value(), permits);
    EXPECT_LE(most, permits);
  }
}

// Deadlines that pass just when the release comes, against a supply that is known exactly.
TEST(semaphore_stress, a_timed_acquire_racing_a_release_loses_and_mints_no_permit) {
  conc::counting_semaphore<> s(0);
  constexpr int takers = 6;
  std::atomic<long> taken{0};
  std::atomic<bool> stop{false};
  crew all;
  all.mixed(takers, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 1));
    while (!stop) {
      taken += s.try_acquire_for(std::chrono::microseconds(random() % 100));
    }
  });
  long released = 0;
  std::minstd_rand random(99);
  for (int i = 0; i < scaled(10'000); ++i) {
    const int n = static_cast<int>(random() % 3);
    s.release(n);
    released += n;
    if (random() % 4 == 0) conc::this_thread::sleep_for(std::chrono::microseconds(random() % 60));
  }
  stop = true;
  all.join();
  EXPECT_EQ(taken + s.value(), released);
  EXPECT_GE(s.value(), 0);
}

// A grant always finds the one it was made for, and he does not leave without it.
TEST(semaphore_stress, ping_pong_between_the_kinds) {
  conc::binary_semaphore ping(0), pong(0);
  const int rounds = scaled(20'000);
  int ball = 0;
  crew players;
  players.users(1, [&](int) {
    for (int i = 0; i < rounds; ++i) {
      ping.acquire();
      ++ball;
      pong.release();
    }
  });
  players.kernels(1, [&](int) {
    for (int i = 0; i < rounds; ++i) {
      ping.release();
      pong.acquire();
      ++ball;
    }
  });
  players.join();
  EXPECT_EQ(ball, 2 * rounds);
}

}  // namespace
