#include "sched/pinning.h"

#include "sched/topology.h"

namespace conc::detail {

pinning::pinning(bool wanted) {
  if (!wanted || pthread_getaffinity_np(pthread_self(), sizeof all_, &all_) != 0) return;
  cpus_ = cpus_in_order();
}

void pinning::bind(pthread_t thread, std::uint32_t processor) const noexcept {
  if (!wanted()) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpus_[processor % cpus_.size()], &one);
  pthread_setaffinity_np(thread, sizeof one, &one);
}

void pinning::let_go(pthread_t thread) const noexcept {
  if (wanted()) pthread_setaffinity_np(thread, sizeof all_, &all_);
}

}  // namespace conc::detail
