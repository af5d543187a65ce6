// Carriers bound to CPUs, if runtime_options::pin_carriers asks for it: who holds processor i runs
// on the i-th of the CPUs that the process may use, and nowhere else.
//
// The binding goes with the processor. A carrier that has lent its processor out for a blocking
// section is let go by the one that takes the processor over (scheduler::adopt): in the section it
// may compute, and must not have to share the CPU with its successor while others idle.
#ifndef CONC_SCHED_PINNING_H
#define CONC_SCHED_PINNING_H

#include <pthread.h>
#include <sched.h>

#include <cstdint>
#include <vector>

namespace conc::detail {

class pinning {
 public:
  // May throw std::bad_alloc.
  explicit pinning(bool wanted);

  bool wanted() const noexcept { return !cpus_.empty(); }
  // Both do nothing unless wanted. What the kernel refuses (the process has lost the CPU since)
  // leaves the thread where it was.
  void bind(pthread_t thread, std::uint32_t processor) const noexcept;
  void let_go(pthread_t thread) const noexcept;

 private:
  std::vector<unsigned> cpus_;  // by the kernel's numbers, near ones side by side
  cpu_set_t all_{};             // where the runtime's maker could run
};

}  // namespace conc::detail

#endif  // CONC_SCHED_PINNING_H
