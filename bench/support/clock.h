// The clocks of the benchmarks, all in nanoseconds.
#ifndef CONC_BENCH_SUPPORT_CLOCK_H
#define CONC_BENCH_SUPPORT_CLOCK_H

#include <cstdint>
#include <ctime>

namespace bench {

using nanos = std::int64_t;

inline nanos read_clock(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return nanos{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

inline nanos now() { return read_clock(CLOCK_MONOTONIC); }

// User and system time of all kernel threads of the process.
inline nanos process_cpu() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_CLOCK_H
