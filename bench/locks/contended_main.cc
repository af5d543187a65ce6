// Locks that many compete for. The whole matrix takes a minute and a half for each repetition;
// --benchmark_filter takes a part.
#include "locks/figures.h"
#include "support/per_operation.h"
#include "support/second_thread.h"

int main(int argc, char** argv) {
  using namespace bench;
  keep_a_second_thread();
  contended_figures();
  shared_figures();
  crowd_figures();
  return run_interleaved(argc, argv, "3");
}
