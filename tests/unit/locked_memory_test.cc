// Guards of stacks in memory that the program has locked: they are mappings even where guards are
// marks, there may be only so many of them, and what has gone with its stack can be had again.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "conc/runtime.h"
#include "locks/sanitized.h"
#include "support/death.h"
#include "support/limited_process.h"
#include "threads/guard.h"
#include "threads/stack_pool.h"
#include "threads/stack_set.h"

namespace {

#if !defined(CONC_ASAN) && !defined(CONC_TSAN)  // under which nothing is ever locked
using conc::detail::guard_mappings_left;
using conc_test::require;
using LockedMemoryDeathTest = conc_test::death_test;

void lock_memory() { require(mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0, "mlockall"); }

void stacks_of_their_own_size() {
  // Found out before memory is locked.
  if (!conc::detail::guards_are_marks()) return;
  lock_memory();
  const std::size_t before = guard_mappings_left();
  for (int i = 0; i < 10; ++i) {
    const conc::detail::stack_memory s = conc::detail::map_stack(64 << 10);
    require(guard_mappings_left() == before - 1, "the guard is a mapping");
    conc::detail::unmap_stack(s);
    require(guard_mappings_left() == before, "and has gone with the stack");
  }
  conc::runtime r({.processors = 2});
  const std::size_t with_runtime = guard_mappings_left();
  std::vector<conc::thread> all;
  for (int i = 0; i < 1'000; ++i) all.push_back(r.spawn({.stack_size = 64 << 10}, [] {}));
  for (auto& t : all) t.join();
  // But for the stacks of the pool that its first threads have needed since.
  r.run([] {});
  require(guard_mappings_left() + 100 > with_runtime, "the same for threads");
}

void stacks_of_the_pool() {
  if (!conc::detail::guards_are_marks()) return;
  constexpr std::size_t n = 20 * conc::detail::stacks_per_group;
  conc::detail::nanos time = conc::detail::now();
  const std::size_t before = guard_mappings_left();
  for (int round = 0; round < 5; ++round) {
    lock_memory();
    conc::detail::reserve_stacks(n);
    std::vector<std::byte*> taken(n);
    for (std::size_t got = 0; got < n;) got += conc::detail::take_stacks(&taken[got], 1);
    require(guard_mappings_left() == before - n, "the guards are mappings");
    require(munlockall() == 0, "munlockall");
    conc::detail::give_stacks(taken.data(), n);
    conc::detail::unreserve_stacks(n);
    for (int i = 0; i < 10 && conc::detail::next_trim.load() != conc::detail::no_deadline; ++i) {
      time += conc::detail::trim_interval;
      while (time >= conc::detail::next_trim.load()) conc::detail::trim_stacks(time);
    }
    const std::size_t kept = conc::detail::look_at_stacks().warm;
    require(kept <= conc::detail::least_warm_stacks, "most stacks were given back");
    require(guard_mappings_left() == before - kept, "and their guards with them");
  }
}

TEST_F(LockedMemoryDeathTest, guards_that_are_gone_can_be_had_again) {
  if (geteuid() != 0) GTEST_SKIP() << "takes the right to lock memory";
  EXPECT_EXIT((stacks_of_their_own_size(), std::_Exit(0)), testing::ExitedWithCode(0), "");
  EXPECT_EXIT((stacks_of_the_pool(), std::_Exit(0)), testing::ExitedWithCode(0), "");
}
#else
TEST(locked_memory, of_stacks) { GTEST_SKIP() << "nothing is ever locked under the sanitizers"; }
#endif

}  // namespace
