// fork(): the child has one thread, and whatever the parent's other threads were in the middle of.
#ifndef CONC_LOCKS_FORK_H
#define CONC_LOCKS_FORK_H

namespace conc::detail {

// Set in a child whose parent had used the library by more than one thread: the others' locks are
// held for ever there, and their wakes never come. Such a child may only exec or _exit. A child of
// a process with one thread is as good as its parent. Not atomic: it is written while the child has
// one thread.
inline constinit bool forked_with_threads = false;

// Called when the first task is made.
void watch_for_fork() noexcept;

[[noreturn, gnu::cold]] void refuse_after_fork() noexcept;

// For the entrances to waiting and to the kernel, off the fast paths. Those of a user-level thread
// come here because of task_port::after_fork.
inline void check_not_forked() noexcept {
  if (forked_with_threads) [[unlikely]]
    refuse_after_fork();
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_FORK_H
