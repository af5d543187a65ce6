// The kernel-thread side of the task port: sleeping is futex(2).
#ifndef CONC_LOCKS_KERNEL_TASK_H
#define CONC_LOCKS_KERNEL_TASK_H

#include "locks/task.h"

namespace conc::detail {

extern const task_port kernel_thread_port;

// A kernel thread as a task.
struct kernel_task : task {
  int thread_id = 0;  // as gettid() says; tools of the kernel know it by that
};

// Where the calling kernel thread keeps its current task, for others to look at.
task_head* const* place_of_current_task() noexcept;

inline bool is_kernel_thread(const task& t) noexcept { return t.port == &kernel_thread_port; }

}  // namespace conc::detail

#endif  // CONC_LOCKS_KERNEL_TASK_H
