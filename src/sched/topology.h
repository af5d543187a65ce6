// The machine as the scheduler sees it: which processors are near each other.
#ifndef CONC_SCHED_TOPOLOGY_H
#define CONC_SCHED_TOPOLOGY_H

#include <cstdint>
#include <vector>

namespace conc::detail {

// The CPUs that this process may use, by the kernel's numbers, so that neighbours share what they
// can: hwloc's order, or without its help that of the numbers. At least one. May throw
// std::bad_alloc.
std::vector<unsigned> cpus_in_order();

// For each of `processors` the others, nearest first: those on the same core, then those that share
// a cache, a package, the machine. Processor i is taken to run on the i-th of cpus_in_order(), round
// and round if there are fewer; that is so where carriers are pinned (pinning.h), and else a guess
// at what the kernel does. Equally near ones start behind i, so that thieves do not
// all try the same victim first. Without hwloc's help (it may fail in odd containers) the order is
// by number. Behind these lists is one of all processors. May throw std::bad_alloc.
std::vector<std::vector<std::uint32_t>> near_order(std::uint32_t processors);

}  // namespace conc::detail

#endif  // CONC_SCHED_TOPOLOGY_H
