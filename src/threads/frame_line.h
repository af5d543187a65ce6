// One line of a stack trace, as text.
#ifndef CONC_THREADS_FRAME_LINE_H
#define CONC_THREADS_FRAME_LINE_H

#include "locks/line.h"
#include "threads/symbols.h"

namespace conc::detail {

// Appends "function+0x1b (/path/of/module+0x12ab)", which addr2line -e /path/of/module 0x12ab turns
// into file and line. `function` is what to call the function, null if it has no name.
void append_place(line& out, std::uintptr_t address, const symbols::place& p,
                  const char* function) noexcept;

}  // namespace conc::detail

#endif  // CONC_THREADS_FRAME_LINE_H
