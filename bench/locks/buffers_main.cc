// What is made from mutexes and condition variables: bounded buffers, broadcasts; and channels.
#include "locks/figures.h"
#include "support/per_operation.h"
#include "support/second_thread.h"

int main(int argc, char** argv) {
  using namespace bench;
  keep_a_second_thread();
  broadcast_figures();
  buffer_figures();
  return run_interleaved(argc, argv);
}
