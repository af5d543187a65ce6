// A clock that is set while somebody waits by it.
#ifndef CONC_TESTS_SUPPORT_JUMPING_CLOCK_H
#define CONC_TESTS_SUPPORT_JUMPING_CLOCK_H

#include <atomic>
#include <chrono>

namespace conc_test {

// Goes as fast as the steady clock. At its second reading after set_back_next(), or another one
// that is asked for, it is set back by that much, as if somebody had done so between the beginning
// and the end of a wait: a wait reads it once to see how long it will be, and once to see whether
// it is over. (sleep_until() first sees whether it has to sleep at all.)
struct jumping_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<jumping_clock>;
  static constexpr bool is_steady = false;

  static time_point now() noexcept {
    if (readings_left.load() > 0 && readings_left.fetch_sub(1) == 1) offset.store(jump.load());
    const auto steady = std::chrono::steady_clock::now().time_since_epoch();
    return time_point(std::chrono::duration_cast<duration>(steady) + duration(offset.load()));
  }
  static void set_back_next(duration by, int reading = 2) noexcept {
    offset = 0;
    jump = -by.count();
    readings_left = reading;
  }
  static void set_forward_next(duration by, int reading = 2) noexcept {
    set_back_next(-by, reading);
  }

 private:
  static inline std::atomic<rep> offset{0}, jump{0};
  static inline std::atomic<int> readings_left{0};
};

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_JUMPING_CLOCK_H
