// How the library ends a process that has misused it.
#ifndef CONC_LOCKS_FATAL_H
#define CONC_LOCKS_FATAL_H

#include <cstdint>

namespace conc::detail {

// Prints "conc: fatal: <what> (object 0x..., thread N)" to standard error with one write(2), no
// allocation and no lock, then aborts. Async-signal-safe.
[[noreturn, gnu::cold]] void fatal(const char* what, const void* object = nullptr) noexcept;

// The same with a second thread to name, such as the owner of a lock.
[[noreturn, gnu::cold]] void fatal(const char* what, const void* object,
                                   std::uint32_t other_thread) noexcept;

}  // namespace conc::detail

#endif  // CONC_LOCKS_FATAL_H
