// What threads cost, beside threads of other makes in the same run. bench_go_peers has the same
// figures for Go, bench_locks has what synchronizes threads.
//
// Names are figure/peer. conc, Boost.Fiber, State Threads and GNU Pth run on one processor where
// the name does not say otherwise.
#include "support/per_operation.h"
#include "threads/figures.h"

int main(int argc, char** argv) {
  using namespace bench;
  yield_figures();
  spawn_figures();
  fork_join_figures();
  wake_figures();
  sleep_figures();
  parked_figures();
  idle_figures();
  throughput_figures();
  return run_interleaved(argc, argv);
}
