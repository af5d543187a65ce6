#include "threads/stack.h"

#include <sys/mman.h>

#include <algorithm>
#include <system_error>

#include "threads/guard.h"

namespace conc::detail {

std::size_t checked_stack_size(std::size_t wish) {
  if (wish == 0) return default_stack_size;
  if (wish > greatest_stack_size) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "conc: impossible stack size");
  }
  wish = (wish + page_size - 1) / page_size * page_size + guard_size;
  return wish < least_stack_size ? least_stack_size : wish;
}

std::byte* map_stack_memory(std::size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    throw std::system_error(std::make_error_code(std::errc::not_enough_memory),
                            "conc: no address space for a stack");
  }
  // A huge page under a stack would cost two megabytes where four kilobytes are used.
  madvise(p, bytes, MADV_NOHUGEPAGE);
  return static_cast<std::byte*>(p);
}

stack_memory map_stack(std::size_t size) {
  stack_memory s{map_stack_memory(size), size};
  if (!install_guard(s.base)) {
    munmap(s.base, s.size);
    throw std::system_error(std::make_error_code(std::errc::not_enough_memory),
                            "conc: no guard page for a stack");
  }
  return s;
}

void unmap_stack(stack_memory s) noexcept {
  munmap(s.base, s.size);
  if (!guards_are_marks()) forget_guards(1);
}

std::size_t touched_part(stack_memory s) noexcept {
  // From below, so that a page that was jumped over does not hide those beneath it.
  unsigned char resident[1024];
  for (std::byte* at = s.lowest_usable(); at < s.top();) {
    const auto left = static_cast<std::size_t>(s.top() - at) / page_size;
    const std::size_t pages = std::min(left, sizeof resident);
    if (mincore(at, pages * page_size, resident) != 0) return 0;
    for (std::size_t i = 0; i < pages; ++i) {
      if ((resident[i] & 1) != 0) return static_cast<std::size_t>(s.top() - at) - i * page_size;
    }
    at += pages * page_size;
  }
  return 0;
}

}  // namespace conc::detail
