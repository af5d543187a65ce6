// The memory of one user-level thread's stack: address space reserved, memory on first touch, a
// guard below.
//
// Stacks of the default size come from a pool (stack_pool.h). Stacks of other sizes are mapped and
// unmapped one by one.
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
  bool guard_is_mapping = false;  // known of stacks that are mapped one by one

  explicit operator bool() const noexcept { return base != nullptr; }
  std::byte* top() const noexcept { return base + size; }
  std::byte* lowest_usable() const noexcept { return base + guard_size; }
  std::size_t usable_size() const noexcept { return size - guard_size; }
};

// Rounds a wish up to whole pages and the least size; 0 means the default. Throws std::system_error
// (invalid_argument) for a size beyond greatest_stack_size.
std::size_t checked_stack_size(std::size_t wish);

// Maps one stack with its guard. Throws std::system_error
// (resource_unavailable_try_again) if the kernel refuses either.
stack_memory map_stack(std::size_t size);
void unmap_stack(stack_memory s) noexcept;

// Address space that is backed on first touch, by small pages. Throws std::system_error
// (resource_unavailable_try_again).
std::byte* map_stack_memory(std::size_t bytes);

// How many bytes of a stack have memory behind them, from the lowest touched page to the top: what
// its threads have used of it at most since the memory was last given back. 0 if the kernel does
// not say. One system call.
std::size_t touched_part(stack_memory s) noexcept;

}  // namespace conc::detail

#endif  // CONC_THREADS_STACK_H
