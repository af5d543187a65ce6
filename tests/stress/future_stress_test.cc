// Futures whose objects do not outlive the wake: everything is destroyed as soon as somebody has
// found the state ready.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "conc/future.h"
#include "conc/runtime.h"
#include "support/crew.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::scaled;
using conc_test::scaled_threads;

// A box on the waiter's side: the promise, which the other side fills through a pointer. The waiter
// frees it, promise and all, while set_value() may not have returned.
struct box {
  conc::promise<long> promise;
  long round;
};

// Each pair hands boxes over; waiters of both kinds wait in every way.
TEST(future_stress, a_promise_is_destroyed_while_set_value_returns) {
  constexpr int pairs = 4;
  const int rounds = scaled(4'000);
  std::atomic<box*> open[pairs] = {};
  std::atomic<long> wrong{0};
  const auto fill = [&](int me) {
    for (int i = 0; i < rounds; ++i) {
      box* b;
      while ((b = open[me / 2].exchange(nullptr)) == nullptr) conc::this_thread::yield();
      b->promise.set_value(b->round);
    }
  };
  const auto wait = [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 1));
    for (int i = 0; i < rounds; ++i) {
      auto b = std::make_unique<box>();
      b->round = i;
      auto f = b->promise.get_future();
      open[me / 2] = b.get();
      switch (random() % 4) {
        case 0:
          while (f.wait_for(std::chrono::microseconds(random() % 20)) !=
                 std::future_status::ready) {
          }
          break;
        case 1:
          while (f.wait_for(0s) != std::future_status::ready) conc::this_thread::yield();
          break;
        default:
          f.wait();
      }
      b.reset();
      if (f.get() != i) ++wrong;
    }
  };
  crew all;
  for (int p = 0; p < pairs; ++p) {
    // User and kernel threads in each of the four combinations.
    p % 2 == 0 ? all.users(1, fill) : all.kernels(1, fill);
    p / 2 == 0 ? all.users(1, wait) : all.kernels(1, wait);
  }
  all.join();
  EXPECT_EQ(wrong, 0);
}

// Two that want to store: one succeeds, the other is told, and the readers see the winner's.
TEST(future_stress, of_two_that_store_one_wins) {
  for (int i = 0; i < scaled(600); ++i) {
    conc::promise<int> p;
    const conc::shared_future<int> f = p.get_future();
    std::atomic<int> refused{0}, stored{-1}, sum{0};
    crew all;
    all.mixed(2, [&](int me) {
      try {
        p.set_value(me);
        stored = me;
      } catch (const std::future_error&) {
        ++refused;
      }
    });
    all.mixed(2, [&, f](int) { sum += f.get(); });
    all.join();
    ASSERT_EQ(refused, 1);
    ASSERT_EQ(sum, 2 * stored);
  }
}

// Futures of asynchronous calls that are dropped, waited for with and without limits, and shared,
// at every moment of their thread's life.
TEST(future_stress, asynchronous_calls_end_before_their_last_owner) {
  conc::runtime r({.processors = 4});
  std::atomic<long> running{0}, faults{0};
  crew all;
  all.mixed(4, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 1));
    for (int i = 0; i < scaled_threads(1'000); ++i) {
      int alive = 1;
      {
        conc::shared_future<int> f = conc::async(std::launch::async, [&, n = random() % 3] {
          ++running;
          for (unsigned k = 0; k < n; ++k) conc::this_thread::yield();
          --running;
          return alive;
        });
        switch (random() % 4) {
          case 0:
            if (f.get() != 1) ++faults;
            break;
          case 1:
            if (f.wait_for(5us) == std::future_status::ready && f.get() != 1) ++faults;
            break;
          case 2: {
            conc::thread other([f, &faults] {
              if (f.get() != 1) ++faults;
            });
            if (f.get() != 1) ++faults;
            other.join();
            break;
          }
          default:;
        }
      }
      alive = 0;  // nobody may look at it any more
    }
  });
  all.join();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(faults, 0);
}

}  // namespace
