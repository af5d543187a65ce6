#include "threads/signal_chain.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace conc::detail {
namespace {

// Caused by the interrupted instruction, which will be executed again.
bool is_fault(const siginfo_t& info) noexcept { return info.si_code > 0; }

bool is_ignored_by_default(int signal) noexcept {
  return signal == SIGURG || signal == SIGCHLD || signal == SIGWINCH || signal == SIGCONT;
}

void take_default_action(int signal, siginfo_t& info) noexcept {
  if (is_ignored_by_default(signal)) return;
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  sigaction(signal, &standard, nullptr);
  // Blocked while we are in its handler, it comes when we return.
  if (!is_fault(info)) {
    syscall(SYS_rt_tgsigqueueinfo, getpid(), static_cast<pid_t>(syscall(SYS_gettid)), signal,
            &info);
  }
}

}  // namespace

bool signal_chain::install(int signal, handler h) noexcept {
  // Known before the first signal can come.
  if (sigaction(signal, nullptr, &before_) != 0) return false;
  struct sigaction ours {};
  ours.sa_sigaction = h;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  ours.sa_mask = before_.sa_mask;
  return sigaction(signal, &ours, nullptr) == 0;
}

void signal_chain::pass_on_to_handler(int signal, siginfo_t* info, void* context) const noexcept {
  if ((before_.sa_flags & SA_SIGINFO) != 0) {
    before_.sa_sigaction(signal, info, context);
  } else if (before_.sa_handler != SIG_DFL && before_.sa_handler != SIG_IGN) {
    before_.sa_handler(signal);
  }
}

void signal_chain::pass_on(int signal, siginfo_t* info, void* context) const noexcept {
  const bool has_handler = (before_.sa_flags & SA_SIGINFO) != 0 ||
                           (before_.sa_handler != SIG_DFL && before_.sa_handler != SIG_IGN);
  if (has_handler) return pass_on_to_handler(signal, info, context);
  // A fault cannot be ignored.
  if (before_.sa_handler == SIG_DFL || is_fault(*info)) take_default_action(signal, *info);
}

void signal_chain::step_aside(int signal) const noexcept { sigaction(signal, &before_, nullptr); }

}  // namespace conc::detail
