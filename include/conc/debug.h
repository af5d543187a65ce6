// Looking at a process from outside: what do all its threads do, and how large are their stacks?
#ifndef CONC_DEBUG_H
#define CONC_DEBUG_H

#include <cstddef>
#include <iosfwd>

#include "conc/config.h"

namespace conc {

// What runtime::dump() writes, for all runtimes of the process. No runtime ends meanwhile: whoever
// destroys one waits until this has returned. From any thread, except that the stream must not
// destroy a runtime. Throws std::bad_alloc and what the stream throws.
CONC_API void dump_all(std::ostream& out);

// From now on the signal makes the process write dump_all() to standard error, and go on. A handler
// that was there before is still called; a default action (SIGQUIT's would end the process) is not
// taken any more. The handler only wakes a kernel thread, which this makes at its first call and
// which does the writing: so it is safe wherever the signal comes, and shows a process whose
// carriers are all stuck, but not one in which malloc's lock is never released.
// The environment variable CONC_DUMP_SIGNAL does the same when the first runtime starts: QUIT, USR1
// and so on, with or without SIG, or a number.
// Throws std::system_error: invalid_argument for what is no signal or cannot be caught,
// resource_unavailable_try_again if there is no kernel thread to be had. Thread-safe.
CONC_API void dump_on_signal(int number);

// A user-level thread's stack, in bytes.
struct stack_use {
  // Address space, without the guard. 0 on a kernel thread, of whose stack nothing is said.
  std::size_t reserved = 0;
  // The part that has memory behind it: what this thread has used at most. Stacks are used again;
  // then it is what the deepest of its threads has used since the memory was last given back.
  // Memory that was swapped out does not count. Whole pages.
  std::size_t touched = 0;
};

namespace this_thread {

// One system call; from any thread.
CONC_API stack_use stack() noexcept;

}  // namespace this_thread

}  // namespace conc

#endif  // CONC_DEBUG_H
