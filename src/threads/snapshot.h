// A thread as it was at one moment, seen by somebody else while it may go on.
//
// Nothing is locked and nobody waits: the cell is copied by the kernel, and what it points to is
// followed with the same caution. A second copy tells whether the first is still true; who needs
// that compares them.
#ifndef CONC_THREADS_SNAPSHOT_H
#define CONC_THREADS_SNAPSHOT_H

#include <cstddef>
#include <cstdint>

#include "locks/kernel_task.h"
#include "threads/tcb.h"
#include "threads/unwind.h"

namespace conc::detail {

class task_snapshot {
 public:
  // False if the cell was never handed out.
  bool read(std::uint32_t id) noexcept;
  // The same for a pointer that was found somewhere; false also if it points to no task.
  bool read_at(const void* cell) noexcept;

  const task& as_task() const noexcept { return *reinterpret_cast<const task*>(cell_); }
  const tcb& as_thread() const noexcept { return *reinterpret_cast<const tcb*>(cell_); }
  const kernel_task& as_kernel_thread() const noexcept {
    return *reinterpret_cast<const kernel_task*>(cell_);
  }
  task_state state() const noexcept { return as_task().state.load(memory_order_relaxed); }
  std::uint32_t id() const noexcept { return as_task().id; }
  std::uint32_t generation() const noexcept { return as_task().generation; }

  // Whether the other copy, taken later, shows the same thread in the same wait, or still ready.
  bool still_true_in(const task_snapshot& later) const noexcept;

 private:
  alignas(tcb) std::byte cell_[sizeof(tcb)];
};

// --- of user-level threads only -----------------------------------------------------------------

// A thread's stack; empty if it has none yet.
stack_memory stack_of(const tcb& t) noexcept;
// The lowest address that the thread may use, and the end of its stack.
stack_words words_of(const stack_memory& s) noexcept;

// Copies the name, cut to fit, with unprintable characters replaced; "" if it has none, or is gone.
void copy_name(const tcb& t, char* to, std::size_t room) noexcept;

}  // namespace conc::detail

#endif  // CONC_THREADS_SNAPSHOT_H
