// Sections that end just as their processor is being taken over, with everything else going on.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <vector>

#include "conc/blocking.h"
#include "conc/mutex.h"
#include "conc/runtime.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::scaled;

void busy_for(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// Lengths around one to two ticks of the standby, where the end meets the taking over.
void section(std::minstd_rand& random) {
  const auto kind = random() % 8;
  conc::blocking([&] {
    if (kind < 3) {
      busy_for(std::chrono::nanoseconds(random() % 120'000));
    } else if (kind < 5) {
      ::usleep(static_cast<unsigned>(random() % 120));
    }
  });
}

TEST(blocking_stress, sections_of_all_lengths_among_everything_else) {
  for (const unsigned processors : {1u, 2u, 4u}) {
    conc::runtime r({.processors = processors, .blocking_limit = 6});
    conc::mutex lock;
    long guarded = 0;
    std::atomic<long> ran{0};
    const int threads = 12, rounds = scaled(300);
    r.run([&] {
      std::vector<conc::thread> all;
      for (int i = 0; i < threads; ++i) {
        all.emplace_back([&, i] {
          std::minstd_rand random(static_cast<unsigned>(i) * 7 + processors);
          for (int k = 0; k < rounds; ++k) {
            section(random);
            if (k % 3 == 0) conc::this_thread::yield();
            if (k % 5 == 0) {
              const std::lock_guard guard(lock);
              ++guarded;
            }
            if (k % 17 == 0) {
              conc::blocking([&] {
                const std::lock_guard guard(lock);  // blocks the kernel thread
                ++guarded;
              });
            }
            if (k % 50 == 0) conc::this_thread::sleep_for(50us);
            if (k % 40 == 0) conc::thread([&] { ++ran; }).join();
          }
          ++ran;
        });
      }
      for (auto& t : all) t.join();
    });
    EXPECT_EQ(ran, threads * (1 + (rounds + 39) / 40));
    EXPECT_EQ(guarded, threads * ((rounds + 4) / 5 + (rounds + 16) / 17));
    EXPECT_TRUE(conc_test::eventually_all_ended(r));
    const auto s = r.stats();
    EXPECT_EQ(s.blocking_sections, 0u);
    EXPECT_LE(s.kernel_threads, processors + 6);
  }
}

// A runtime that ends while carriers change places.
TEST(blocking_stress, runtimes_end_after_sections) {
  std::minstd_rand random(1);
  for (int i = 0; i < scaled(200); ++i) {
    conc::runtime r({.processors = 1 + i % 3u});
    for (int k = 0; k < 4; ++k) {
      r.spawn([seed = random()] {
         std::minstd_rand mine(seed);
         section(mine);
         section(mine);
       }).detach();
    }
  }
}

}  // namespace
