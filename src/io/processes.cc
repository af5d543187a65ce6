// Waiting for child processes.
#include <liburing.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "conc/io.h"
#include "io/perform.h"
#include "io/section.h"

namespace conc::io {

using namespace conc::detail;

namespace {

// As waitpid() would have it in its status.
int status_of(const siginfo_t& from) noexcept {
  constexpr int stopped = 0x7f, continued = 0xffff, dumped = 0x80;
  switch (from.si_code) {
    case CLD_EXITED:
      return (from.si_status & 0xff) << 8;
    case CLD_KILLED:
      return from.si_status;
    case CLD_DUMPED:
      return from.si_status | dumped;
    case CLD_CONTINUED:
      return continued;
    default:
      return from.si_status << 8 | stopped;
  }
}

int try_wait(pid_t pid, int* status, int flags) noexcept {
  return without_eintr([=] { return ::waitpid(pid, status, flags | WNOHANG); });
}

int open_pidfd(pid_t pid) noexcept {
  return without_eintr([=] { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); });
}

// One child of ours, till its end: a descriptor of it can be polled by any engine.
outcome wait_for_end(pid_t pid, int* status, int flags, const options& how) noexcept {
  unique_fd process;
  for (;;) {
    // Tried again once the descriptor is open: it is of our child only if the child was there
    // after.
    const int found = try_wait(pid, status, flags);
    if (found != 0) return {found};
    if (!process) {
      const int opened = open_pidfd(pid);
      if (opened < 0) return {opened};
      process.reset(opened);
      continue;
    }
    const outcome o = wait_until_ready(process.get(), POLLIN, how, true);
    if (o.value < 0) return o;
  }
}

// Without that opcode: looks again and again.
outcome look_now_and_then(pid_t pid, int* status, int flags, const options& how) noexcept {
  for (nanos length = shortest_nap;; length = std::min(length * 2, longest_nap)) {
    const int found = try_wait(pid, status, flags);
    if (found != 0) return {found};
    if (const outcome o = nap(length, how); o.value < 0) return o;
  }
}

// Any of several children, or whatever else than an end the flags ask for.
outcome wait_for_any(pid_t pid, int* status, int flags, const options& how) noexcept {
  const int found = try_wait(pid, status, flags);
  if (found != 0) return {found};
  siginfo_t info{};
  request change;
  change.opcode = waitid_opcode;
  change.fd = pid < -1 ? -pid : pid == -1 ? 0 : pid;
  change.length = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
  change.offset = reinterpret_cast<std::uintptr_t>(&info);
  change.second_fd = flags | WEXITED;
  const outcome o = perform(change, {}, how);
  if (o.value >= 0) {
    if (status != nullptr) *status = status_of(info);
    return {info.si_pid};
  }
  if (!o.is(EINVAL) && !o.is(EOPNOTSUPP)) return o;
  if (how.deadline.nanos() == no_deadline && !how.stop.stop_possible()) {
    return in_section(how, [=] { return ::waitpid(pid, status, flags); });
  }
  return look_now_and_then(pid, status, flags, how);
}

}  // namespace

pid_t waitpid(pid_t pid, int* status, int flags, std::error_code& error,
              const options& how) noexcept {
  if (how.stop.stop_requested()) return int_or_error({-ECANCELED}, error);
  if (flags & WNOHANG) return int_or_error({try_wait(pid, status, flags)}, error);
  const bool till_the_end = pid > 0 && (flags & (WUNTRACED | WCONTINUED)) == 0;
  return int_or_error(
      till_the_end ? wait_for_end(pid, status, flags, how) : wait_for_any(pid, status, flags, how),
      error);
}

}  // namespace conc::io
