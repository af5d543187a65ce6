// What stands in for the world around the checked sources: the running task of each thread, the
// kernel's system calls, the number of CPUs, the end of the process.
#ifndef CONC_TESTS_CHECKER_WORLD_H
#define CONC_TESTS_CHECKER_WORLD_H

namespace conc::checker {

// Thread `number` begins: a new task for it, made by the current thread.
void make_task(int number);
// Thread `number` runs from now on: it is the current task.
void become(int number);
// Whether a deadline that lies ahead has passed.
bool is_late();
// From now on thread `number` is a user-level thread to the library, not a kernel thread.
void make_user_thread(int number);

}  // namespace conc::checker

#endif  // CONC_TESTS_CHECKER_WORLD_H
