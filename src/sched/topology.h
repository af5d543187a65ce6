// The machine as the scheduler sees it: which processors are near each other.
#ifndef CONC_SCHED_TOPOLOGY_H
#define CONC_SCHED_TOPOLOGY_H

#include <cstdint>
#include <vector>

namespace conc::detail {

// For each of `processors` the others, nearest first: those on the same core, then those that share
// a cache, a package, the machine. Processor i is taken to run on the i-th CPU that the process may
// use, round and round if there are fewer. Equally near ones start behind i, so that thieves do not
// all try the same victim first. Without hwloc's help (it may fail in odd containers) the order is
// by number. Behind these lists is one of all processors. May throw std::bad_alloc.
std::vector<std::vector<std::uint32_t>> near_order(std::uint32_t processors);

}  // namespace conc::detail

#endif  // CONC_SCHED_TOPOLOGY_H
