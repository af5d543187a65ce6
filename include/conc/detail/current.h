// Who is running here? The library's single thread_local, behind the single accessor.
//
// A user-level thread can suspend on one kernel thread and wake on another. Compilers may keep the
// address of a thread_local across a call, so a plain access could name the wrong kernel thread's
// variable after a switch. The accessor is therefore volatile assembly: it cannot be split into an
// address and a load, and neither inlining nor link-time optimisation can look through it. The
// initial-exec model makes it two instructions and lets a signal handler use it.
#ifndef CONC_DETAIL_CURRENT_H
#define CONC_DETAIL_CURRENT_H

#include <cstdint>

#include "conc/config.h"

namespace conc::detail {

struct clh_node;

// The part of a task (a kernel thread or a user-level thread) that inline fast paths need.
struct task_head {
  // The node that this task brings to the next clh_lock; null until it has met one.
  clh_node* spare_node = nullptr;
  // Never 0, unique among the tasks alive in the process; what locks write down as their owner.
  std::uint32_t id = 0;
};

// The running task; null on a kernel thread that has not met the library yet. The same value as
// attach() returns after its first call, at the price of two instructions.
inline task_head* current_or_null() noexcept {
  task_head* self;
#if defined(__x86_64__)
  asm volatile(
      "movq conc_current_task_v0@gottpoff(%%rip), %0\n\t"
      "movq %%fs:(%0), %0"
      : "=r"(self)
      :
      : "memory");
#else
  asm volatile(
      "mrs %0, tpidr_el0\n\t"
      "adrp x16, :gottprel:conc_current_task_v0\n\t"
      "ldr x16, [x16, #:gottprel_lo12:conc_current_task_v0]\n\t"
      "ldr %0, [%0, x16]"
      : "=r"(self)
      :
      : "memory", "x16");
#endif
  return self;
}

// Makes the calling kernel thread known to the library: the slow half of current(). Ends the
// process if no memory is left for its 256-byte record, for its callers (lock, unlock) cannot fail.
CONC_API task_head& attach() noexcept;

inline task_head& current_head() noexcept {
  task_head* self = current_or_null();
  if (self == nullptr) [[unlikely]]
    return attach();
  return *self;
}

}  // namespace conc::detail

#endif  // CONC_DETAIL_CURRENT_H
