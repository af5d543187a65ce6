// The registers of the code that a signal has interrupted.
#ifndef CONC_SCHED_INTERRUPTED_H
#define CONC_SCHED_INTERRUPTED_H

#include <ucontext.h>

#include "threads/unwind.h"

namespace conc::detail {

// From the third argument of a signal handler.
inline register_set interrupted_registers(const void* context) noexcept {
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
  register_set r;
#if defined(__x86_64__)
  const auto set = [&](unsigned number, int index) {
    r.set(number, static_cast<std::uintptr_t>(machine.gregs[index]));
  };
  set(reg_rbx, REG_RBX);
  set(reg_rbp, REG_RBP);
  set(reg_rsp, REG_RSP);
  set(reg_r12, REG_R12);
  set(reg_r12 + 1, REG_R13);
  set(reg_r12 + 2, REG_R14);
  set(reg_r12 + 3, REG_R15);
  set(reg_return, REG_RIP);
#elif defined(__aarch64__)
  r.set(reg_rbp, machine.regs[29]);
  r.set(reg_rsp, machine.sp);
  r.set(reg_return, machine.pc);
#endif
  return r;
}

}  // namespace conc::detail

#endif  // CONC_SCHED_INTERRUPTED_H
