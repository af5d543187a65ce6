#include "locks/fork.h"

#include <pthread.h>

#include "locks/fatal.h"
#include "locks/task_slab.h"

namespace conc::detail {

void watch_for_fork() noexcept {
  const auto in_child = [] {
    if (last_task_id() > 1) forked_with_threads = true;
  };
  if (pthread_atfork(nullptr, nullptr, in_child) != 0) fatal("no memory to watch for fork()");
}

void refuse_after_fork() noexcept {
  fatal(
      "a child of fork() may only exec or _exit, for its parent had other threads; this one did "
      "more");
}

}  // namespace conc::detail
