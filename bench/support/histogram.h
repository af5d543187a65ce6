// Latencies in buckets that grow with them: at most 3 % off, from a nanosecond to hours.
#ifndef CONC_BENCH_SUPPORT_HISTOGRAM_H
#define CONC_BENCH_SUPPORT_HISTOGRAM_H

#include <bit>
#include <cstdint>
#include <vector>

#include "support/clock.h"

namespace bench {

class histogram {
 public:
  void add(nanos time) { ++counts_[bucket(time)]; }

  void add(const histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }

  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (std::uint64_t c : counts_) all += c;
    return all;
  }

  // The time that the given share of all stayed below; 0 if there is none.
  double quantile(double share) const {
    const double target = share * static_cast<double>(count());
    double seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += static_cast<double>(counts_[i]);
      if (counts_[i] != 0 && seen >= target) return upper_end(i);
    }
    return 0;
  }

 private:
  // 32 buckets for each doubling: below 64 a bucket is one nanosecond wide.
  static constexpr int bits = 5;
  static constexpr std::size_t buckets = (64 - bits) << bits;

  static std::size_t bucket(nanos time) {
    const auto t = static_cast<std::uint64_t>(time < 0 ? 0 : time);
    if (t < (2u << bits)) return static_cast<std::size_t>(t);
    const int shift = static_cast<int>(std::bit_width(t)) - 1 - bits;
    return (static_cast<std::size_t>(shift) << bits) + static_cast<std::size_t>(t >> shift);
  }
  static double upper_end(std::size_t i) {
    if (i < (2u << bits)) return static_cast<double>(i);
    const std::size_t shift = (i >> bits) - 1;
    const std::uint64_t top = (i & ((1u << bits) - 1)) + (1u << bits) + 1;
    return static_cast<double>(top << shift);
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(buckets);
};

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_HISTOGRAM_H
