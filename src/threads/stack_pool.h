// The pool of stacks of the default size, one for the process.
//
// The address space of a stack is reserved when its thread is made, which is the moment at which a
// refusal can still be reported; the stack itself is only taken when the thread runs for the first
// time, so a million threads that are spawned at once and finish quickly share a few stacks.
//
// A stack that nobody has is one of
//
//   warm   used before: guarded, with memory behind it
//   cold   guarded, its memory given back to the kernel
//   fresh  address space, no more
//
// and is taken in this order, the lowest first. Warm ones go back to the kernel, down to a few,
// when the pool has not needed them for a second: the *least* number of warm stacks that it held
// during that second is what it could have done without. A group of 64 neighbours that is free
// altogether becomes fresh again, which returns its page tables, too. Giving back is work for
// service points and idle moments, never for who takes or gives a stack.
#ifndef CONC_THREADS_STACK_POOL_H
#define CONC_THREADS_STACK_POOL_H

#include <cstddef>

#include "conc/detail/atomic.h"
#include "locks/clock.h"
#include "threads/stack.h"

namespace conc::detail {

// Promises that `count` more stacks can be taken at the same time, mapping address space if
// needed. Throws std::system_error (resource_unavailable_try_again) if that or a guard is refused.
// Thread-safe, as all of the pool.
void reserve_stacks(std::size_t count);
void unreserve_stacks(std::size_t count) noexcept;

// Takes between 1 and `wanted` stacks that have been reserved; cannot fail. Several at once share
// the price of the lock and of the guards.
std::size_t take_stacks(std::byte** bases, std::size_t wanted) noexcept;
void give_stacks(std::byte* const* bases, std::size_t count) noexcept;

// --- giving memory back -------------------------------------------------------------------------

// So many warm stacks are kept whatever happens.
inline constexpr std::size_t least_warm_stacks = 256;
inline constexpr nanos trim_interval = 1'000'000'000;

// When there will be something to do; no_deadline while there is no surplus.
inline constinit atomic<nanos> next_trim{no_deadline};

// Gives the memory of at most 64 stacks back, in some ten microseconds.
void trim_stacks(nanos time) noexcept;
inline void trim_stacks_if_due(nanos time) noexcept {
  if (time >= next_trim.load(memory_order_relaxed)) [[unlikely]]
    trim_stacks(time);
}

// What the pool holds, for tests and reports.
struct stack_pool_state {
  std::size_t mapped, reserved, warm, cold, fresh;
};
stack_pool_state look_at_stacks() noexcept;

}  // namespace conc::detail

#endif  // CONC_THREADS_STACK_POOL_H
