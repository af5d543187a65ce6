#include "locks/fork.h"

#include <pthread.h>

#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/task.h"
#include "locks/task_slab.h"

namespace conc::detail {

void watch_for_fork() noexcept {
  const auto in_child = [] {
    if (last_task_id() <= 1) return;
    forked_with_threads = true;
    task* const self = static_cast<task*>(current_or_null());
    if (self == nullptr || self->port->after_fork == nullptr) return;
    if (CONC_STEP(fork_fast_paths_miss)) self->port->after_fork(*self);
  };
  if (pthread_atfork(nullptr, nullptr, in_child) != 0) fatal("no memory to watch for fork()");
}

void refuse_after_fork() noexcept {
  fatal(
      "a child of fork() may only exec or _exit, for its parent had other threads; this one did "
      "more");
}

}  // namespace conc::detail
