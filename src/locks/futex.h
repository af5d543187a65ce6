// The kernel's wait and wake on a 32-bit word: futex(2), private to the process.
#ifndef CONC_LOCKS_FUTEX_H
#define CONC_LOCKS_FUTEX_H

#include <cstdint>

#include "conc/detail/atomic.h"
#include "locks/clock.h"

namespace conc::detail {

// Sleeps while `word` holds `expected`, until woken or until `deadline` on the steady clock.
// Returns false if the deadline passed; true for a wake, a changed word or an interruption, which
// callers cannot tell apart and need not: each waits in a loop on its own condition.
bool futex_wait(const atomic<std::uint32_t>& word, std::uint32_t expected,
                nanos deadline = no_deadline) noexcept;

// Wakes up to `count` sleepers and says how many there were. The word may already belong to
// something else or be gone: the kernel takes the address as a key, so at worst somebody wakes
// without need.
int futex_wake(const atomic<std::uint32_t>& word, int count = 1) noexcept;

}  // namespace conc::detail

#endif  // CONC_LOCKS_FUTEX_H
