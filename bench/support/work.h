// Work of a known length, for critical sections and what lies between them.
#ifndef CONC_BENCH_SUPPORT_WORK_H
#define CONC_BENCH_SUPPORT_WORK_H

#include <algorithm>
#include <cstdint>
#include <limits>

#include "support/clock.h"

namespace bench {

// A chain of dependent multiplications: no memory, nothing that another thread could slow down, and
// a fixed amount of it rather than a fixed time. A loop that looked at the clock would also count
// the time during which its thread does not run. Each thread has a chain of its own, which goes on
// where it ended: a processor would work on two that do not depend on each other at the same time.
//
// Never inlined: a copy of the loop for each kind of lock took up to a tenth longer with one lock
// than with another, by no more than where its instructions came to lie.
class chain {
 public:
  [[gnu::noinline, gnu::aligned(64)]] void work(std::int64_t steps) {
    std::uint64_t x = last_;
    for (std::int64_t i = 0; i < steps; ++i) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      asm volatile("" : "+r"(x));  // the compiler must neither drop nor shorten the chain
    }
    last_ = x;
  }

 private:
  std::uint64_t last_ = 1;
};

// Steps in a nanosecond of undisturbed running, measured once: the best of many short trials, over
// long enough for a CPU that was idle to come to its full speed.
inline double steps_per_nano() {
  static const double measured = [] {
    constexpr std::int64_t steps = 20'000;
    chain c;
    nanos best = std::numeric_limits<nanos>::max();
    for (int trial = 0; trial < 1500; ++trial) {
      const nanos start = now();
      c.work(steps);
      best = std::min(best, now() - start);
    }
    return static_cast<double>(steps) / static_cast<double>(best);
  }();
  return measured;
}

inline std::int64_t steps_for(double nanoseconds) {
  return static_cast<std::int64_t>(nanoseconds * steps_per_nano());
}

// A small generator for lengths of work; each thread has its own.
class random_steps {
 public:
  explicit random_steps(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u | 1) {}
  // Uniform between 0 and twice the mean.
  std::int64_t around(std::int64_t mean) { return below(2 * mean + 1); }

  // Uniform from 0 to n - 1.
  std::int64_t below(std::int64_t n) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::int64_t>(state_ % static_cast<std::uint64_t>(n));
  }

 private:
  std::uint64_t state_;
};

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_WORK_H
