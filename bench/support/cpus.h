// Which CPUs the process may use, and binding kernel threads to them.
#ifndef CONC_BENCH_SUPPORT_CPUS_H
#define CONC_BENCH_SUPPORT_CPUS_H

#include <sched.h>

#include <cstddef>
#include <vector>

namespace bench {

// The calling kernel thread's affinity, given back at the end of the scope.
class kept_affinity {
 public:
  kept_affinity() { known_ = sched_getaffinity(0, sizeof set_, &set_) == 0; }
  ~kept_affinity() {
    if (known_) sched_setaffinity(0, sizeof set_, &set_);
  }
  kept_affinity(const kept_affinity&) = delete;
  kept_affinity& operator=(const kept_affinity&) = delete;

 private:
  cpu_set_t set_;
  bool known_;
};

inline std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(static_cast<int>(cpu));
  }
  return cpus;
}

// Binds the calling kernel thread; the threads that it starts inherit that.
inline void bind_to(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(cpu), &one);
  sched_setaffinity(0, sizeof one, &one);
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_CPUS_H
