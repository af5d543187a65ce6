// Who called whom: the stack trace of a thread that does not run, or stands still.
//
// From function to function by call frame information, as a debugger does it (call_frame.h); where
// there is none, by the chain of frame pointers, which the library's own code always has. What
// neither describes ends the trace. Nothing is trusted: each step must lead further up the stack,
// and not beyond its top, and the stack itself is read by the kernel (own_memory.h). So a thread
// that goes on meanwhile, or ends, gives a short or a senseless trace, and never a fault.
//
// No allocation and no locks: usable in a signal handler that has some kilobytes of stack.
#ifndef CONC_THREADS_UNWIND_H
#define CONC_THREADS_UNWIND_H

#include <cstddef>
#include <cstdint>

#include "threads/call_frame.h"
#include "threads/context.h"

namespace conc::detail {

struct trace {
  static constexpr std::size_t most = 128;
  // Addresses *inside* the calls, which is what symbol tables and addr2line want to be asked; the
  // first is where the thread stands.
  std::uintptr_t at[most];
  std::size_t depth = 0;
  bool whole = false;  // the outermost function was reached
};

// A machine's registers as far as they are known.
struct register_set {
  std::uintptr_t value[register_count] = {};  // value[reg_return] is the program counter
  std::uint32_t known = 0;

  void set(unsigned r, std::uintptr_t v) noexcept {
    value[r] = v;
    known |= 1u << r;
  }
  bool has(unsigned r) const noexcept { return (known & 1u << r) != 0; }
  std::uintptr_t pc() const noexcept { return value[reg_return]; }
  std::uintptr_t sp() const noexcept { return value[reg_rsp]; }

  static register_set of(const context& c) noexcept;
};

// The words of a stack, read a piece at a time, or from a copy that was made while its thread stood
// still.
class stack_words {
 public:
  stack_words(std::uintptr_t low, std::uintptr_t high) noexcept : low_(low), high_(high) {}
  // A copy of [low, low + bytes).
  stack_words(std::uintptr_t low, std::uintptr_t high, const std::byte* copy,
              std::size_t bytes) noexcept
      : low_(low), high_(high), copy_(copy), from_(low), held_(bytes) {}

  std::uintptr_t high() const noexcept { return high_; }
  bool read(std::uintptr_t at, std::uintptr_t& word) noexcept;

 private:
  std::uintptr_t low_, high_;
  const std::byte* copy_ = nullptr;  // null: `piece_` holds what is read on demand
  std::uintptr_t from_ = 0;
  std::size_t held_ = 0;
  std::byte piece_[1024];
};

class unwinder {
 public:
  explicit unwinder(const modules& all) noexcept : modules_(all) {}

  // Follows the calls up from `start`. `exact` says that the program counter is where the thread
  // stands, as in a signal; else it is where a call or a switch will return to.
  void follow(register_set start, stack_words& stack, bool exact, trace& out) noexcept;
  // One step; false at the end, and `whole` then says whether it was the outermost function.
  bool step(register_set& r, stack_words& stack, bool exact, bool& whole) noexcept;

 private:
  struct remembered {
    std::uintptr_t address = 0;
    bool known = false;
    call_frame frame;
  };
  const remembered& frame_at(std::uintptr_t address) noexcept;
  bool step_by_frame(const call_frame& f, register_set& r, stack_words& stack) const noexcept;
  bool step_by_pointer(register_set& r, stack_words& stack) const noexcept;

  const modules& modules_;
  // Threads that wait do so in few places: most frames are found here.
  remembered cache_[64];
};

}  // namespace conc::detail

#endif  // CONC_THREADS_UNWIND_H
