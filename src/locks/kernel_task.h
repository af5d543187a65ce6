// The kernel-thread side of the task port: sleeping is futex(2).
#ifndef CONC_LOCKS_KERNEL_TASK_H
#define CONC_LOCKS_KERNEL_TASK_H

#include "locks/partner_watch.h"
#include "locks/task.h"

namespace conc::detail {

extern const task_port kernel_thread_port;

// A kernel thread as a task.
struct kernel_task : task {
  int thread_id = 0;  // as gettid() says; tools of the kernel know it by that
  // Hints, as numbers of CPUs: where it fell asleep last, or is about to, by its own word; and from
  // where it was woken, by the waker's.
  atomic<int> sleeps_on{-1}, woken_from{-1};
  partner_watch partner;  // the thread's own
};

// For a kernel thread of the library's own: its record, made before there is a thread that could
// not report that there is no memory for it. Throws std::system_error. attach_as() is for the
// thread, once; the record is given back when it ends, or by give_kernel_record() if there was no
// thread.
task& take_kernel_record();
void give_kernel_record(task& record) noexcept;
void attach_as(task& record) noexcept;

// Where the calling kernel thread keeps its current task, for others to look at.
task_head* const* place_of_current_task() noexcept;

inline bool is_kernel_thread(const task& t) noexcept { return t.port == &kernel_thread_port; }

}  // namespace conc::detail

#endif  // CONC_LOCKS_KERNEL_TASK_H
