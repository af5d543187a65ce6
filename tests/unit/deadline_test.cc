#include "conc/detail/deadline.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
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

// Its epoch lies in the future, so "now" is far below zero: the difference to its last time point
// fits into no 64 bits of nanoseconds.
TEST(deadline, of_a_clock_whose_epoch_is_still_to_come) {
  using files = std::chrono::file_clock;
  EXPECT_EQ(deadline_at(files::time_point::max()), never);
  EXPECT_TRUE(has_passed(deadline_at(files::time_point::min())));
  const auto in_a_while = deadline_at(files::now() + 2s);
  EXPECT_GE(in_a_while, steady_now() + 1'000'000'000);
  EXPECT_LE(in_a_while, steady_now() + 2'100'000'000);
  EXPECT_FALSE(conc::detail::has_passed(files::time_point::max()));
  EXPECT_TRUE(conc::detail::has_passed(files::time_point::min()));
}

template <class Clock, class Duration>
void expect_extremes_to_hold() {
  using point = std::chrono::time_point<Clock, Duration>;
  EXPECT_FALSE(conc::detail::has_passed(point::max()));
  EXPECT_TRUE(conc::detail::has_passed(point::min()));
  EXPECT_GT(deadline_at(point::max()), steady_now() + 3'600'000'000'000);
  EXPECT_TRUE(has_passed(deadline_at(point::min())));
}

// Time points that the clock's own unit cannot express.
TEST(deadline, of_time_points_in_any_unit) {
  using wall = std::chrono::system_clock;
  using files = std::chrono::file_clock;
  expect_extremes_to_hold<wall, std::chrono::years>();
  expect_extremes_to_hold<wall, std::chrono::hours>();
  expect_extremes_to_hold<wall, std::chrono::microseconds>();
  expect_extremes_to_hold<wall, std::chrono::duration<double>>();
  expect_extremes_to_hold<wall, std::chrono::duration<float, std::ratio<3600>>>();
  expect_extremes_to_hold<files, std::chrono::years>();
  expect_extremes_to_hold<files, std::chrono::duration<double, std::milli>>();
  // All that picoseconds can say about the system clock ended in April 1970.
  using early = std::chrono::time_point<wall, std::chrono::duration<std::int64_t, std::pico>>;
  EXPECT_TRUE(conc::detail::has_passed(early::max()));
  EXPECT_TRUE(has_passed(deadline_at(early::max())));
}

TEST(deadline, what_is_not_a_number_is_no_time) {
  using seconds = std::chrono::duration<double>;
  constexpr seconds none(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(ceil_nanos(none), 0);
  EXPECT_TRUE(has_passed(deadline_after(none)));
  const std::chrono::time_point<std::chrono::system_clock, seconds> at(none);
  EXPECT_TRUE(has_passed(deadline_at(at)));
  EXPECT_TRUE(conc::detail::has_passed(at));
  constexpr seconds for_ever(std::numeric_limits<double>::infinity());
  EXPECT_EQ(deadline_after(for_ever), never);
  EXPECT_TRUE(has_passed(deadline_after(-for_ever)));
}

}  // namespace
