#include "threads/stack.h"

#include <gtest/gtest.h>

#include <set>
#include <system_error>

#include "conc/runtime.h"
#include "conc/thread.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/scale.h"

namespace {

using conc::detail::checked_stack_size;
using conc::detail::default_stack_size;
using conc::detail::page_size;

// Each call uses a little over `frame` bytes, and the array is needed after the call below: else
// the compiler would make a loop of it.
constexpr std::size_t frame = 1024;
int dive(int depth);
int (*volatile dive_on)(int) = dive;
int dive(int depth) {
  volatile char room[frame];
  room[0] = static_cast<char>(depth);
  if (depth == 0) return room[0];
  const int below = dive_on(depth - 1);
  room[0] = 0;
  return below + room[0];
}

TEST(stack, a_wish_is_rounded_up_and_checked) {
  EXPECT_EQ(checked_stack_size(0), default_stack_size);
  for (const std::size_t wish : {std::size_t{1}, page_size, 100'000ul, std::size_t{8} << 20}) {
    const std::size_t got = checked_stack_size(wish);
    EXPECT_EQ(got % page_size, 0u);
    EXPECT_GE(got, wish + conc::detail::guard_size);
    EXPECT_GE(got, conc::detail::least_stack_size);
  }
  EXPECT_THROW(checked_stack_size(conc::detail::greatest_stack_size + 1), std::system_error);
  EXPECT_THROW(checked_stack_size(~std::size_t{0}), std::system_error);
}

TEST(stack, all_of_the_default_size_can_be_used) {
  const int depth = static_cast<int>((256 << 10) * 3 / 4 / (frame + 64));
  conc_test::crew().users(4, [&](int) { EXPECT_EQ(dive(depth), 0); }).join();
}

TEST(stack, a_size_of_its_own_can_be_used) {
  for (const std::size_t size : {std::size_t{4} << 20, std::size_t{64} << 20}) {
    const int depth =
        static_cast<int>(size * 3 / 4 / (frame + 64) / (conc_test::under_asan ? 2 : 1));
    conc::thread({.stack_size = size}, [&] { EXPECT_EQ(dive(depth), 0); }).join();
  }
}

TEST(stack, says_how_much_of_it_was_touched) {
  using conc::detail::stack_memory;
  const stack_memory s = conc::detail::map_stack(2'000 * page_size);
  EXPECT_EQ(conc::detail::touched_part(s), 0u);
  for (const std::size_t depth : {std::size_t{1}, page_size, 700 * page_size, 1'999 * page_size}) {
    *(s.top() - depth) = std::byte{1};
    EXPECT_EQ(conc::detail::touched_part(s), (depth + page_size - 1) / page_size * page_size);
  }
  conc::detail::unmap_stack(s);
}

// Threads of their own stack size come and go without the process keeping their memory.
TEST(stack, stacks_of_other_sizes_are_given_back) {
  std::set<const void*> places;
  for (int i = 0; i < 200; ++i) {
    conc::thread({.stack_size = 32u << 20}, [&] {
      volatile char here = 0;
      places.insert(const_cast<const char*>(&here));
    }).join();
  }
  EXPECT_LT(places.size(), 100u);
}

using StackDeathTest = conc_test::death_test;

// The guard below the stack: to run over the end kills the process, and touches nobody's memory.
TEST_F(StackDeathTest, running_over_the_end_kills_the_process) {
  const auto killed = [](int status) {
    return testing::KilledBySignal(SIGSEGV)(status) || testing::KilledBySignal(SIGBUS)(status) ||
           (WIFEXITED(status) && WEXITSTATUS(status) != 0);  // a sanitizer's report
  };
  EXPECT_EXIT(conc::thread([] { dive(100'000); }).join(), killed, "");
  EXPECT_EXIT(conc::thread({.stack_size = 64 << 10}, [] { dive(100'000); }).join(), killed, "");
}

}  // namespace
