// A signal handler of ours in front of the program's: what is not ours is passed on.
#ifndef CONC_THREADS_SIGNAL_CHAIN_H
#define CONC_THREADS_SIGNAL_CHAIN_H

#include <signal.h>

namespace conc::detail {

// One object a signal, of static storage; it is never taken away again. A program that installs its
// own handler later takes ours away with it, unless it calls what was there before.
class signal_chain {
 public:
  using handler = void (*)(int, siginfo_t*, void*);

  // Runs `h` on the thread's alternate stack, if it has one, and restarts system calls where the
  // kernel does that. False if the kernel refuses the signal.
  bool install(int signal, handler h) noexcept;

  // --- in the handler ---------------------------------------------------------------------------
  // Does what would have happened without us: calls the earlier handler, or takes the default
  // action, with the process dying of the same signal at the same instruction.
  void pass_on(int signal, siginfo_t* info, void* context) const noexcept;
  // The same, but no default action is taken. For signals that are ours in any case.
  void pass_on_to_handler(int signal, siginfo_t* info, void* context) const noexcept;
  // Puts back what was there before. A fault then happens again, and goes there.
  void step_aside(int signal) const noexcept;

 private:
  struct sigaction before_ {};
};

}  // namespace conc::detail

#endif  // CONC_THREADS_SIGNAL_CHAIN_H
