// Who competes for a lock: kernel threads, or user-level threads of one runtime.
#ifndef CONC_BENCH_SUPPORT_CREW_H
#define CONC_BENCH_SUPPORT_CREW_H

#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include "conc/conc.h"
#include "support/cpus.h"

namespace bench {

// The kernel may take longer than a whole window to move one of two new threads to an idle CPU. So
// they are dealt out over the CPUs for the start; from then on they run where the kernel likes.
struct kernel_crew {
  template <class F>
  std::thread start(F f) const {
    return std::thread(std::move(f));
  }
  template <class Over>
  static void gather(std::size_t i, Over over) {
    const kept_affinity given_back_after;
    static const std::vector<int> cpus = allowed_cpus();
    bind_to(cpus[i % cpus.size()]);
    while (!over()) std::this_thread::yield();
  }
  static void between_rounds() {}
};

// Nothing preempts user-level threads in this version: a program whose threads never wait has to
// yield, and so they do, once a round.
struct user_crew {
  conc::runtime* on;
  template <class F>
  conc::thread start(F f) const {
    return on->spawn(std::move(f));
  }
  template <class Over>
  static void gather(std::size_t, Over over) {
    while (!over()) conc::this_thread::yield();
  }
  static void between_rounds() { conc::this_thread::yield(); }
};

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_CREW_H
