// Waits with a deadline and memory: they ask the program's allocator for none, and when the kernel
// has none either they end in time all the same.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <vector>

#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "locks/sanitized.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/limited_process.h"

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

std::atomic<long> allocations{0};

}  // namespace

// The program's allocator.
void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* p = std::malloc(bytes != 0 ? bytes : 1); p != nullptr) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

// More than fit the first page of a heap.
TEST(deadline_memory, a_wait_with_a_deadline_asks_the_program_for_none) {
  conc::runtime r({.processors = 1});
  r.run([] {
    constexpr int n = 2'000;
    int asleep = 0;
    conc::counting_semaphore<> gate(0), wake(0);
    std::vector<conc::thread> all;
    for (int i = 0; i < n; ++i) {
      all.emplace_back([&] {
        gate.acquire();
        ++asleep;
        EXPECT_TRUE(wake.try_acquire_for(10min));
      });
    }
    const long before = allocations;
    gate.release(n);
    while (asleep < n) conc::this_thread::yield();
    wake.release(n);
    EXPECT_EQ(allocations, before);
    for (auto& t : all) t.join();
  });
}

#if !defined(CONC_ASAN) && !defined(CONC_TSAN)  // who have needs of their own
using conc_test::require;
using DeadlineMemoryDeathTest = conc_test::death_test;

// Half of them sleep, the others wait for a permit and get it long before their deadline.
void sleep_without_memory(int n) {
  conc::runtime r({.processors = 2});
  conc::counting_semaphore<> gate(0), wake(0);
  std::atomic<int> early{0}, slept{0}, served{0}, waiting{0};
  steady::time_point begin;
  std::vector<conc::thread> all;
  all.reserve(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    all.push_back(r.spawn([&, i] {
      gate.acquire();
      if (i % 2 == 0) {
        const auto until = begin + std::chrono::microseconds(200'000 + i * 7919ll % 300'000);
        conc::this_thread::sleep_until(until);
        if (steady::now() < until) ++early;
        ++slept;
      } else {
        ++waiting;
        if (wake.try_acquire_for(std::chrono::hours(1 + i % 100))) ++served;
      }
    }));
  }
  begin = steady::now();
  conc_test::limit_address_space(0);
  gate.release(n);
  r.run([&] {
    // Some are served while the others sleep.
    while (waiting < n / 4) conc::this_thread::yield();
    wake.release(n / 4);
    require(conc_test::eventually([&] { return slept == (n + 1) / 2; }), "all sleepers woke");
    require(early == 0, "nobody woke early");
    wake.release(n - n / 4);
  });
  for (auto& t : all) t.join();
  require(served == n / 2, "who was woken before his deadline did not miss it");
  conc_test::lift_address_space_limit();
  r.run([] { conc::this_thread::sleep_for(1ms); });  // as before
}

TEST_F(DeadlineMemoryDeathTest, a_hundred_thousand_sleepers_when_there_is_none) {
  EXPECT_EXIT((sleep_without_memory(100'000), std::_Exit(0)), testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
