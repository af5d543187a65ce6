// What the headers of the spin locks do about misuse that they can see.
//
// What costs nothing is always looked at: when a lock is destroyed, and where a slow path begins. A
// look at each unlock() would be the only thing besides its store; a checked build takes it.
#ifndef CONC_DETAIL_MISUSE_H
#define CONC_DETAIL_MISUSE_H

#include <cstdint>

#include "conc/config.h"

namespace conc::detail {

#ifdef CONC_CHECKED
inline constexpr bool checked_build = true;
#else
inline constexpr bool checked_build = false;
#endif

// Ends the process with a message that names the object, the calling thread and, in the second
// form, the number of the one who holds it. Async-signal-safe.
[[noreturn, gnu::cold]] CONC_API void misused(const char* what, const void* object) noexcept;
[[noreturn, gnu::cold]] CONC_API void misused(const char* what, const void* object,
                                              std::uint32_t holder) noexcept;

}  // namespace conc::detail

#endif  // CONC_DETAIL_MISUSE_H
