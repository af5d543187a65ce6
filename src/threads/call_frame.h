// Where a function keeps its caller's registers: the call frame information of one address.
//
// Compilers describe, for each instruction, where the frame of the call lies (its canonical frame
// address, CFA) and where the registers of the caller have been saved. Exceptions need that, so it
// is there in release builds, too, and for code that has no frame pointers. This is the part of the
// description language that compilers use for ordinary functions; the rest (expressions, as in the
// linker's stubs) is reported as unknown.
//
// Source: DWARF Debugging Information Format, version 4, section 6.4; Linux Standard Base Core,
// section 10.6, for .eh_frame and its index.
#ifndef CONC_THREADS_CALL_FRAME_H
#define CONC_THREADS_CALL_FRAME_H

#include <cstdint>

#include "threads/modules.h"

namespace conc::detail {

// Registers by their DWARF numbers on x86-64.
inline constexpr unsigned reg_rbx = 3, reg_rbp = 6, reg_rsp = 7, reg_r12 = 12, reg_return = 16;
inline constexpr unsigned register_count = 17;

struct call_frame {
  // Where a register of the caller is: at CFA + offset, or one of these.
  using rule = std::int32_t;
  static constexpr rule unchanged = INT32_MIN, lost = INT32_MIN + 1;

  static constexpr std::uint8_t no_register = 0xff;
  std::uint8_t cfa_register = no_register;  // CFA = this register + cfa_offset
  std::int32_t cfa_offset = 0;
  rule rules[register_count];

  call_frame() noexcept {
    for (rule& r : rules) r = unchanged;
  }
};

// The frame at an address inside a function. False if nothing is known about it. Async-signal-safe.
bool find_call_frame(const module& m, std::uintptr_t address, call_frame& out) noexcept;

}  // namespace conc::detail

#endif  // CONC_THREADS_CALL_FRAME_H
