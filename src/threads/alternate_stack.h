// The stack that signal handlers run on, on a kernel thread that runs user-level threads.
//
// Their own stacks may be too small for a handler: the kernel alone puts up to eleven kilobytes of
// registers there. And after an overflow there is no stack left to handle it on.
#ifndef CONC_THREADS_ALTERNATE_STACK_H
#define CONC_THREADS_ALTERNATE_STACK_H

#include <signal.h>

#include "threads/stack.h"

namespace conc::detail {

class alternate_stack {
 public:
  alternate_stack();  // throws std::system_error (resource_unavailable_try_again)
  ~alternate_stack();
  alternate_stack(const alternate_stack&) = delete;
  alternate_stack& operator=(const alternate_stack&) = delete;

  // From here to there the calling kernel thread's handlers run on it, those with SA_ONSTACK.
  void use() noexcept;
  void stop_using() noexcept;

 private:
  stack_memory memory_;
  stack_t before_{};  // a sanitizer's, perhaps, which it wants to find again
};

}  // namespace conc::detail

#endif  // CONC_THREADS_ALTERNATE_STACK_H
