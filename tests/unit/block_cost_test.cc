#include "locks/block_cost.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "conc/thread.h"
#include "conc/two_phase_lock.h"
#include "locks/spin_budget.h"
#include "locks/usable_cpus.h"

namespace {

using conc::detail::block_cost;
using conc::detail::spinner_slot;
using conc::detail::usable_cpus;

// A sleep and a wake take system calls and a switch: never less than half a microsecond, and a
// machine on which they took 50 would be measured wrongly rather than be that slow.
TEST(block_cost, is_plausible_and_constant) {
  const auto c = block_cost();
  EXPECT_GE(c, 500);
  EXPECT_LE(c, 50'000);
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i) all.emplace_back([&] { EXPECT_EQ(block_cost(), c); });
  for (auto& t : all) t.join();
  EXPECT_EQ(conc::measured_block_cost().count(), c);
}

TEST(spinner_slot, leaves_one_cpu_to_those_who_work) {
  std::vector<std::unique_ptr<spinner_slot>> slots;
  for (unsigned i = 1; i < usable_cpus(); ++i) {
    slots.push_back(std::make_unique<spinner_slot>());
    EXPECT_TRUE(*slots.back());
  }
  { EXPECT_FALSE(spinner_slot()); }
  if (slots.empty()) return;  // one CPU: nobody ever spins
  slots.pop_back();
  EXPECT_TRUE(spinner_slot());
}

TEST(usable_cpus, is_what_the_program_is_told) {
  EXPECT_GE(usable_cpus(), 1u);
  EXPECT_EQ(conc::thread::hardware_concurrency(), usable_cpus());
}

}  // namespace
