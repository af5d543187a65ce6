// What one sample of a figure says, and how a sample is taken.
#ifndef CONC_BENCH_SUPPORT_READING_H
#define CONC_BENCH_SUPPORT_READING_H

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "support/clock.h"
#include "support/futex_calls.h"
#include "support/histogram.h"

namespace bench {

struct reading {
  double time = 0;                            // nanoseconds for one operation
  std::map<std::string, double> beside = {};  // what else was counted, by name
};

// What the whole process spends between two points: CPU time, and futex calls if they are counted.
class spent {
 public:
  // Adds both to a reading, for each of the operations that were made meanwhile.
  void each_of(double operations, reading& r) const {
    const double n = std::max(1.0, operations);
    r.beside["cpu_ns"] = static_cast<double>(process_cpu() - cpu_) / n;
    if (counts_futex_calls()) {
      r.beside["futex_calls"] = static_cast<double>(futex_calls() - futex_calls_) / n;
    }
  }

 private:
  nanos cpu_ = process_cpu();
  std::int64_t futex_calls_ = futex_calls();
};

// How long was waited, for each of `all` operations; those that are not in the histogram did not
// wait at all.
inline void add_waits(const histogram& waits, double all, double longest, reading& r) {
  const double waited = static_cast<double>(waits.count());
  for (auto [name, share] :
       {std::pair("p50_ns", 0.5), std::pair("p99_ns", 0.99), std::pair("p999_ns", 0.999)}) {
    const double beyond = (1 - share) * std::max(all, waited);  // so many waited longer
    r.beside[name] = beyond >= waited ? 0 : waits.quantile(1 - beyond / waited);
  }
  r.beside["max_ns"] = longest;
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_READING_H
