// A signal handler of ours in front of the program's: what is not ours is passed on.
#ifndef CONC_THREADS_SIGNAL_CHAIN_H
#define CONC_THREADS_SIGNAL_CHAIN_H

#include <signal.h>

#include "conc/detail/atomic.h"

namespace conc::detail {

// One object a signal, of static storage; it is never taken away again. A program that installs its
// own handler later takes ours away with it, unless it calls what was there before.
class signal_chain {
 public:
  using handler = void (*)(int, siginfo_t*, void*);

  // Runs `h` on the thread's alternate stack, if it has one, under the mask of the handler that was
  // there before, and restarts system calls where the kernel does that, unless that handler did not
  // want it. False if the kernel refuses the signal.
  bool install(int signal, handler h) noexcept;

  // --- in the handler ---------------------------------------------------------------------------
  // Does what would have happened without us: calls the earlier handler, or takes the default
  // action, with the process dying of the same signal at the same instruction.
  void pass_on(int signal, siginfo_t* info, void* context) const noexcept;
  // The earlier handler finds what it asked for when it was installed: the signal unblocked while
  // it runs (SA_NODEFER), so that it may leave by a jump; or the default action in its place from
  // then on (SA_RESETHAND).
  //
  // The same, but no default action is taken. For signals that are ours in any case.
  // False if there is no handler to call.
  bool pass_on_to_handler(int signal, siginfo_t* info, void* context) const noexcept;
  // Puts back what was there before. A fault then happens again, and goes there.
  void step_aside(int signal) const noexcept;

 private:
  bool has_handler() const noexcept;

  struct sigaction before_ {};
  mutable atomic<bool> used_up_{false};  // a handler for one signal only has had it
};

}  // namespace conc::detail

#endif  // CONC_THREADS_SIGNAL_CHAIN_H
