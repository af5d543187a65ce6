// Everything that must change hands when one flow of control gives the kernel thread to another.
#ifndef CONC_THREADS_EXECUTION_H
#define CONC_THREADS_EXECUTION_H

#include "locks/mutants.h"
#include "threads/context.h"
#include "threads/sanitizer.h"

namespace conc::detail {

// The head of what the C++ runtime keeps per kernel thread about exceptions in flight
// (__cxa_eh_globals of the Itanium ABI). It must follow the user-level thread: a handler may block.
struct exception_state {
  void* caught;
  unsigned uncaught;

  // Not zero while an exception is being thrown or handled.
  std::uintptr_t in_flight() const noexcept {
    return reinterpret_cast<std::uintptr_t>(caught) | uncaught;
  }
};

// The same kernel thread's errno and exception state, whose addresses never change for it.
struct kernel_thread_state {
  int* error_number = nullptr;
  exception_state* exceptions = nullptr;

  static kernel_thread_state of_this_thread() noexcept;
};

// A suspended flow: a user-level thread's, or a carrier's own. `caught` says all that is out of the
// ordinary about it, so that one look tells:
//
//   0        nothing
//   unborn   a thread that has never run: it has no stack yet
//   else     was suspended with exceptions in flight: exception_state::caught, a pointer, with its
//            lowest bit set; `uncaught` is the rest of that state
struct execution {
  context registers;
  std::uintptr_t caught = 0;
  unsigned uncaught = 0;
  int error_number = 0;
  [[no_unique_address]] sanitizer_stack stack;

  static constexpr std::uintptr_t in_flight = 1, unborn = 2;
};

void switch_exceptions(exception_state& running, execution& from, execution& to) noexcept;

// Whether the exception state, or that `to` has never run, must be seen to before the switch.
[[gnu::always_inline]] inline bool is_special(const kernel_thread_state& k,
                                              const execution& to) noexcept {
  return (k.exceptions->in_flight() | to.caught) != 0;
}

[[gnu::always_inline]] inline void switch_error_numbers(const kernel_thread_state& k,
                                                        execution& from, execution& to,
                                                        bool last_time = false) noexcept {
  if (!last_time) from.error_number = *k.error_number;
  if (CONC_STEP(switch_error_number)) *k.error_number = to.error_number;
}

// Leaves `from` for `to`, which is not unborn, on the kernel thread `k`. What comes back is what
// the one who later switches to `from` has left behind; the caller must publish it.
[[gnu::always_inline]] inline departure switch_execution(const kernel_thread_state& k,
                                                         execution& from, execution& to,
                                                         departure d, bool last_time) noexcept {
  switch_error_numbers(k, from, to);
  // Rarely does anybody suspend while an exception is in flight: one branch decides.
  if (is_special(k, to)) [[unlikely]]
    switch_exceptions(*k.exceptions, from, to);
  before_switch(from.stack, to.stack, last_time);
  const departure arrived = switch_context(from.registers, to.registers, d);
  after_switch(from.stack);
  return arrived;
}

}  // namespace conc::detail

#endif  // CONC_THREADS_EXECUTION_H
