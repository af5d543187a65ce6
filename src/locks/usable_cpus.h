// How many CPUs this process may keep busy: its affinity mask, cut by the cgroup's quota.
#ifndef CONC_LOCKS_USABLE_CPUS_H
#define CONC_LOCKS_USABLE_CPUS_H

namespace conc::detail {

// At least 1. Read from the system at the first call and then constant. A quota of 1.5 CPUs counts
// as 2, so that it can be used up. With 1 nobody spins: the one waited for needs the CPU.
unsigned usable_cpus() noexcept;

}  // namespace conc::detail

#endif  // CONC_LOCKS_USABLE_CPUS_H
