#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "conc/mutex.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::scaled;

// A destructor that comes while threads are being run, stolen, put to sleep and ended.
TEST(shutdown_stress, at_every_moment_of_a_threads_life) {
  for (int i = 0; i < conc_test::scaled_threads(600); ++i) {
    std::atomic<int> ended{0};
    const int n = i % 17;
    {
      conc::runtime r({.processors = 1u + static_cast<unsigned>(i) % 4});
      for (int k = 0; k < n; ++k) {
        r.spawn([&, k] {
           if (k % 3 == 0) conc::this_thread::yield();
           if (k % 5 == 0) conc::this_thread::sleep_for(std::chrono::microseconds(k * 10));
           if (k % 4 == 0) conc::thread([&] { ++ended; }).detach();
           ++ended;
         }).detach();
      }
    }
    ASSERT_EQ(ended, n + (n + 3) / 4);
  }
}

// The last thread is joined by a kernel thread just as the runtime goes.
TEST(shutdown_stress, right_after_the_last_join) {
  for (int i = 0; i < conc_test::scaled_threads(600); ++i) {
    conc::runtime r({.processors = 2});
    int x = 0;
    r.spawn([&] { x = 1; }).join();
    ASSERT_EQ(x, 1);
  }
}

// Threads of the dying runtime are woken from outside: by kernel threads and by another runtime.
TEST(shutdown_stress, woken_from_outside_while_ending) {
  conc::runtime other({.processors = 1});
  for (int i = 0; i < scaled(300); ++i) {
    conc::counting_semaphore<> s(0);
    std::atomic<int> ended{0};
    std::vector<conc::thread> wakers;
    std::thread waker;
    {
      conc::runtime r({.processors = 2});
      for (int k = 0; k < 6; ++k) {
        r.spawn([&] {
           s.acquire();
           ++ended;
         }).detach();
      }
      for (int k = 0; k < 3; ++k) wakers.push_back(other.spawn([&] { s.release(); }));
      waker = std::thread([&] { s.release(3); });
    }
    EXPECT_EQ(ended, 6);
    waker.join();
    for (auto& t : wakers) t.join();
  }
}

// Many at once come and go on several kernel threads; nothing of them stays behind.
TEST(shutdown_stress, several_at_once) {
  const long threads = conc_test::kernel_threads();
  std::vector<std::thread> all;
  std::atomic<int> sum{0};
  for (int k = 0; k < 4; ++k) {
    all.emplace_back([&] {
      for (int i = 0; i < scaled(100); ++i) {
        conc::runtime r({.processors = 2});
        sum += r.run([] {
          int n = 0;
          conc::thread([&] { n = 1; }).join();
          return n;
        });
      }
    });
  }
  for (auto& t : all) t.join();
  EXPECT_EQ(sum, 4 * scaled(100));
  EXPECT_TRUE(conc_test::eventually([&] { return conc_test::kernel_threads() <= threads; }));
}

}  // namespace
