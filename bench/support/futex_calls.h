// Counts the process's futex system calls, by the kernel's own tracepoint.
//
// Off unless asked for: a counter that follows every thread makes each of their switches dearer, so
// that a run that counts is not a run that measures time. Needs root, or a kernel that lets users
// see tracepoints.
#ifndef CONC_BENCH_SUPPORT_FUTEX_CALLS_H
#define CONC_BENCH_SUPPORT_FUTEX_CALLS_H

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace bench {

namespace internal {
inline int futex_counter = -1;  // its descriptor
}

inline bool counts_futex_calls() { return internal::futex_counter >= 0; }

// Counts from now on what the calling thread and the threads that it will start do; so it has to
// come before all others. False if the kernel refuses.
inline bool count_futex_calls() {
  unsigned long long number = 0;
  std::ifstream("/sys/kernel/tracing/events/syscalls/sys_enter_futex/id") >> number;
  if (number == 0) return false;
  perf_event_attr what{};
  what.type = PERF_TYPE_TRACEPOINT;
  what.size = sizeof what;
  what.config = number;
  what.inherit = 1;
  internal::futex_counter =
      static_cast<int>(syscall(SYS_perf_event_open, &what, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
  return counts_futex_calls();
}

inline std::int64_t futex_calls() {
  std::int64_t count = 0;
  if (!counts_futex_calls() || read(internal::futex_counter, &count, sizeof count) < 0) return 0;
  return count;
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_FUTEX_CALLS_H
