// What a contest for a lock is like, and what came of it.
#ifndef CONC_BENCH_SUPPORT_CONTEST_H
#define CONC_BENCH_SUPPORT_CONTEST_H

#include <algorithm>
#include <vector>

#include "support/clock.h"
#include "support/reading.h"

namespace bench {

struct contest {
  int threads = 2;
  double inside = 0, outside = 0;  // nanoseconds of work
  nanos window = 25'000'000;
  bool keep_waits = false;
  int reads = 0;  // percent of the acquisitions that are shared
};

struct outcome {
  double acquisitions = 0, seconds = 0;
  double cpu_per_acquisition = 0;  // nanoseconds, work included, all of the process
  double futex_calls = 0;          // for an acquisition, if they are counted
  double longest_wait = 0;         // nanoseconds
  double contended = 0;            // share of the acquisitions that had to wait
  double jain = 1;                 // of the threads' shares of the acquisitions
  histogram wait_times;            // of the contended acquisitions
  std::vector<nanos> waits;        // the same one by one, if kept
  bool exclusive = true;           // whether the lock did what a lock is for
};

// Time is the whole machine's for an acquisition; waits are over all acquisitions, also those that
// did not have to.
inline reading reading_of(const outcome& o) {
  const double n = std::max(1.0, o.acquisitions);
  reading r{.time = o.seconds * 1e9 / n};
  r.beside = {{"cpu_ns", o.cpu_per_acquisition}, {"jain", o.jain}, {"contended", o.contended}};
  if (counts_futex_calls()) r.beside["futex_calls"] = o.futex_calls;
  add_waits(o.wait_times, static_cast<double>(o.wait_times.count()) / std::max(1e-9, o.contended),
            o.longest_wait, r);
  return r;
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_CONTEST_H
