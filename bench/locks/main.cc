// What locks cost with nobody else there, and what handing over costs; beside those of other makes
// in the same run. bench_contended has locks that are competed for, bench_buffers what is made from
// locks; bench_go_peers has the same figures for Go.
//
// Names are figure/peer. conc, Boost.Fiber, State Threads and GNU Pth run on one processor where
// the name does not say otherwise.
#include "locks/figures.h"
#include "support/per_operation.h"
#include "support/second_thread.h"

int main(int argc, char** argv) {
  using namespace bench;
  keep_a_second_thread();
  uncontended_figures();
  hand_over_figures();
  return run_interleaved(argc, argv);
}
