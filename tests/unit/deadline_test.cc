#include "conc/detail/deadline.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <ratio>

namespace {

using namespace std::chrono_literals;
using conc::detail::ceil_nanos;
using conc::detail::deadline_after;
using conc::detail::deadline_at;
using conc::detail::never;
using conc::detail::steady_now;

bool has_passed(conc::detail::steady_nanos deadline) { return deadline <= steady_now(); }

TEST(deadline, rounds_up_so_that_no_wait_ends_early) {
  EXPECT_EQ(ceil_nanos(1ns), 1);
  EXPECT_EQ(ceil_nanos(std::chrono::duration<double, std::nano>(1.25)), 2);
  EXPECT_EQ(ceil_nanos(std::chrono::duration<long, std::pico>(1)), 1);
  EXPECT_EQ(ceil_nanos(std::chrono::duration<long, std::pico>(2'000)), 2);
  EXPECT_EQ(ceil_nanos(-1ns), -1);
  EXPECT_EQ(ceil_nanos(3h), 3LL * 3600 * 1'000'000'000);
}

TEST(deadline, saturates_instead_of_wrapping) {
  EXPECT_EQ(ceil_nanos(std::chrono::hours::max()), never);
  EXPECT_EQ(ceil_nanos(std::chrono::hours::min()), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(ceil_nanos(std::chrono::duration<double>(1e300)), never);
  EXPECT_EQ(deadline_after(std::chrono::nanoseconds::max()), never);
  EXPECT_EQ(deadline_after(std::chrono::years(1'000'000)), never);
  EXPECT_EQ(deadline_at(std::chrono::steady_clock::time_point::max()), never);
}

TEST(deadline, lies_as_far_ahead_as_was_asked) {
  const auto before = steady_now();
  const auto at = deadline_after(1s);
  const auto after = steady_now();
  EXPECT_GE(at, before + 1'000'000'000);
  EXPECT_LE(at, after + 1'000'000'000);
  EXPECT_TRUE(has_passed(deadline_after(-5s)));
  EXPECT_TRUE(has_passed(deadline_after(0s)));
}

TEST(deadline, of_another_clock_is_seen_from_now) {
  using wall = std::chrono::system_clock;
  const auto before = steady_now();
  const auto at = deadline_at(wall::now() + 2s);
  EXPECT_GE(at, before + 1'900'000'000);
  EXPECT_LE(at, steady_now() + 2'100'000'000);
  EXPECT_TRUE(has_passed(deadline_at(wall::now() - 2s)));
  EXPECT_GT(deadline_at(wall::time_point::max()), steady_now() + 1'000'000'000);
  // The beginning of that clock's time has passed, however far away it is.
  EXPECT_TRUE(has_passed(deadline_at(wall::time_point::min())));
}

}  // namespace
