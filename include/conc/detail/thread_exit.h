// What a thread leaves to be done when it ends: making a future ready, notifying a condition
// variable. The part behind the functions whose names end with at_thread_exit.
//
// The end of a thread is here the moment at which all that belongs to it has been destroyed (its
// function's arguments, its fiber_local values; a kernel thread's thread_locals) and nobody can
// have joined it yet. The thread that returns from main() or calls exit() ends then, before the
// static objects that were there at its first such call.
#ifndef CONC_DETAIL_THREAD_EXIT_H
#define CONC_DETAIL_THREAD_EXIT_H

#include <memory>

#include "conc/config.h"

namespace conc::detail {

class CONC_API exit_call {
 public:
  exit_call(const exit_call&) = delete;
  exit_call& operator=(const exit_call&) = delete;
  virtual ~exit_call() = default;

  virtual void run() noexcept = 0;

 protected:
  // Makes sure that at_thread_exit() cannot fail in the thread that calls this. Throws
  // std::bad_alloc.
  exit_call();

 private:
  friend class exit_calls;
  std::unique_ptr<exit_call> next_;
};

// Leaves the call, made in the calling thread, to the end of this thread. Calls run in the order in
// which they came.
CONC_API void at_thread_exit(std::unique_ptr<exit_call> call) noexcept;

}  // namespace conc::detail

#endif  // CONC_DETAIL_THREAD_EXIT_H
