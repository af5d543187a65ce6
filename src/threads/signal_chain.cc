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

void change_mask(int how, int signal) noexcept {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(how, &one, nullptr);
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
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ours.sa_flags |= has_handler() ? before_.sa_flags & SA_RESTART : SA_RESTART;
  ours.sa_mask = before_.sa_mask;
  return sigaction(signal, &ours, nullptr) == 0;
}

bool signal_chain::has_handler() const noexcept {
  // Whatever SA_SIGINFO says: the kernel keeps that flag beside SIG_IGN, too.
  return before_.sa_handler != SIG_DFL && before_.sa_handler != SIG_IGN;
}

bool signal_chain::pass_on_to_handler(int signal, siginfo_t* info, void* context) const noexcept {
  if (!has_handler()) return false;
  constexpr int only_once = static_cast<int>(SA_RESETHAND);
  if ((before_.sa_flags & only_once) != 0 && used_up_.exchange(true, memory_order_relaxed)) {
    return false;
  }
  const bool unblocked =
      (before_.sa_flags & SA_NODEFER) != 0 && sigismember(&before_.sa_mask, signal) == 0;
  if (unblocked) change_mask(SIG_UNBLOCK, signal);
  if ((before_.sa_flags & SA_SIGINFO) != 0) {
    before_.sa_sigaction(signal, info, context);
  } else {
    before_.sa_handler(signal);
  }
  if (unblocked) change_mask(SIG_BLOCK, signal);
  return true;
}

void signal_chain::pass_on(int signal, siginfo_t* info, void* context) const noexcept {
  if (pass_on_to_handler(signal, info, context)) return;
  // A fault cannot be ignored.
  if (before_.sa_handler != SIG_IGN || is_fault(*info)) take_default_action(signal, *info);
}

void signal_chain::step_aside(int signal) const noexcept {
  struct sigaction there = before_;
  if (used_up_.load(memory_order_relaxed)) {
    there = {};
    there.sa_handler = SIG_DFL;
  }
  sigaction(signal, &there, nullptr);
}

}  // namespace conc::detail
