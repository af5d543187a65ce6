// The stacks of user-level threads: address space reserved, memory on first touch, a guard below.
//
// Stacks of the default size come from a process-wide pool and are used again. The address space of
// a stack is reserved when its thread is made, which is the moment at which a refusal can still be
// reported; the stack itself is only taken when the thread runs for the first time, so a million
// threads that are spawned at once and finish quickly share a few stacks. Stacks of other sizes are
// mapped and unmapped one by one.
#ifndef CONC_THREADS_STACK_H
#define CONC_THREADS_STACK_H

#include <cstddef>
#include <cstdint>

#include "locks/sanitized.h"

namespace conc::detail {

inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t guard_size = page_size;
// With the guard an odd number of pages: a stride that is a power of two would put the tops of all
// stacks into the same sets of caches and translation buffers.
#if defined(CONC_ASAN) || defined(CONC_TSAN)
inline constexpr std::size_t default_stack_size = 512 * 1024 + guard_size;  // larger frames
#else
inline constexpr std::size_t default_stack_size = 256 * 1024 + guard_size;
#endif
inline constexpr std::size_t least_stack_size = 4 * page_size;
inline constexpr std::size_t greatest_stack_size = std::size_t{1} << 36;

// A stack and its guard: [base, base + size), of which the lowest guard_size bytes are
// inaccessible.
struct stack_memory {
  std::byte* base = nullptr;
  std::size_t size = 0;

  explicit operator bool() const noexcept { return base != nullptr; }
  std::byte* top() const noexcept { return base + size; }
  std::byte* lowest_usable() const noexcept { return base + guard_size; }
  std::size_t usable_size() const noexcept { return size - guard_size; }
};

// Rounds a wish up to whole pages and the least size; 0 means the default. Throws std::system_error
// (invalid_argument) for a size beyond greatest_stack_size.
std::size_t checked_stack_size(std::size_t wish);

// Maps one stack with its guard. Throws std::system_error (not_enough_memory).
stack_memory map_stack(std::size_t size);
void unmap_stack(stack_memory s) noexcept;

// The pool of default-size stacks. Lists are linked through the stacks' topmost words.
struct free_stack {
  free_stack* next;
};
inline free_stack* as_free(std::byte* base) noexcept {
  return reinterpret_cast<free_stack*>(base + default_stack_size - sizeof(free_stack));
}
inline std::byte* base_of(free_stack* f) noexcept {
  return reinterpret_cast<std::byte*>(f) + sizeof(free_stack) - default_stack_size;
}

// Promises that `count` more stacks can be taken at the same time, mapping address space if
// needed. Throws std::system_error (not_enough_memory). Thread-safe.
void reserve_stacks(std::size_t count);
void unreserve_stacks(std::size_t count) noexcept;

// Takes a stack that has been reserved. Cannot fail. Thread-safe, as all of the pool.
std::byte* take_stack() noexcept;
void give_stack(std::byte* base) noexcept;

}  // namespace conc::detail

#endif  // CONC_THREADS_STACK_H
