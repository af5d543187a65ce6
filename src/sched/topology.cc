#include "sched/topology.h"

#include <hwloc.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

namespace conc::detail {
namespace {

// An hwloc topology of the CPUs that this process may use; empty if hwloc cannot tell.
class machine {
 public:
  machine() noexcept {
    if (hwloc_topology_init(&topology_) != 0) return;
    // What is below cores and caches is not needed, and I/O devices take long to discover.
    hwloc_topology_set_io_types_filter(topology_, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_flags(
        topology_, HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING | HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM);
    loaded_ = hwloc_topology_load(topology_) == 0;
    if (!loaded_) hwloc_topology_destroy(topology_);
  }
  ~machine() {
    if (loaded_) hwloc_topology_destroy(topology_);
  }
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  unsigned cpus() const noexcept {
    const int n = loaded_ ? hwloc_get_nbobjs_by_type(topology_, HWLOC_OBJ_PU) : 0;
    return n > 0 ? static_cast<unsigned>(n) : 0;
  }
  unsigned kernel_number(unsigned cpu) const noexcept {
    return hwloc_get_obj_by_type(topology_, HWLOC_OBJ_PU, cpu)->os_index;
  }
  // The depth of the smallest thing that contains both CPUs: the greater, the nearer.
  int nearness(unsigned a, unsigned b) const noexcept {
    hwloc_obj_t x = hwloc_get_obj_by_type(topology_, HWLOC_OBJ_PU, a);
    hwloc_obj_t y = hwloc_get_obj_by_type(topology_, HWLOC_OBJ_PU, b);
    if (x == nullptr || y == nullptr) return 0;
    return hwloc_get_common_ancestor_obj(topology_, x, y)->depth;
  }

 private:
  hwloc_topology_t topology_ = nullptr;
  bool loaded_ = false;
};

}  // namespace

std::vector<unsigned> cpus_in_order() {
  cpu_set_t mine;
  const bool known = sched_getaffinity(getpid(), sizeof mine, &mine) == 0;
  const auto is_mine = [&](unsigned cpu) {
    return !known || (cpu < CPU_SETSIZE && CPU_ISSET(cpu, &mine));
  };
  std::vector<unsigned> order;
  const machine m;
  for (unsigned i = 0; i < m.cpus(); ++i) {
    if (is_mine(m.kernel_number(i))) order.push_back(m.kernel_number(i));
  }
  for (unsigned cpu = 0; order.empty() && known && cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mine)) order.push_back(cpu);
  }
  if (order.empty()) order.push_back(0);
  return order;
}

std::vector<std::vector<std::uint32_t>> near_order(std::uint32_t processors) {
  std::vector<std::vector<std::uint32_t>> order(processors + 1);
  for (std::uint32_t i = 0; i < processors; ++i) order[processors].push_back(i);
  for (std::uint32_t i = 0; i < processors; ++i) {
    for (std::uint32_t k = 1; k < processors; ++k) order[i].push_back((i + k) % processors);
  }
  if (processors < 3) return order;  // nothing to choose
  const machine m;
  const unsigned cpus = m.cpus();
  if (cpus < 2) return order;
  for (std::uint32_t i = 0; i < processors; ++i) {
    std::stable_sort(order[i].begin(), order[i].end(), [&](std::uint32_t a, std::uint32_t b) {
      return m.nearness(i % cpus, a % cpus) > m.nearness(i % cpus, b % cpus);
    });
  }
  return order;
}

}  // namespace conc::detail
