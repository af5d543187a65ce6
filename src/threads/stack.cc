#include "threads/stack.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

#include "conc/detail/atomic.h"
#include "locks/internal_lock.h"
#include "locks/mutants.h"
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
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "conc: no address space for a stack");
  }
  // A huge page under a stack would cost two megabytes where four kilobytes are used.
  madvise(p, bytes, MADV_NOHUGEPAGE);
  return static_cast<std::byte*>(p);
}

namespace {

// To unmap a piece from the middle of a mapping makes two of it, which the kernel refuses where
// there may be no more of them (vm.max_map_count). Such stacks wait here until it can be done.
struct refused_stack {
  refused_stack* next;
  std::size_t size;  // with the guard
  bool guard_is_mapping;
};
struct refused_stacks {
  internal_lock lock;
  atomic<refused_stack*> first{nullptr};
};
constinit refused_stacks refused;

bool try_unmap(stack_memory s) noexcept {
  // By the end of a thread errno is that of the next one.
  const int error = errno;
  if (munmap(s.base, s.size) != 0) {
    errno = error;
    return false;
  }
  if (s.guard_is_mapping && CONC_STEP(guard_forget_the_unmapped)) forget_guards(1);
  return true;
}

void keep_refused(stack_memory s) noexcept {
  madvise(s.lowest_usable(), s.usable_size(), MADV_DONTNEED);
  internal_lock_guard guard(refused.lock);
  auto* kept = ::new (s.lowest_usable())
      refused_stack{refused.first.load(memory_order_relaxed), s.size, s.guard_is_mapping};
  refused.first.store(kept, memory_order_relaxed);
}

// A few, by whoever maps or unmaps another one.
void retry_refused() noexcept {
  for (int i = 0; i < 4 && refused.first.load(memory_order_relaxed) != nullptr; ++i) {
    stack_memory s;
    {
      internal_lock_guard guard(refused.lock);
      refused_stack* kept = refused.first.load(memory_order_relaxed);
      if (kept == nullptr) return;
      refused.first.store(kept->next, memory_order_relaxed);
      s = {reinterpret_cast<std::byte*>(kept) - guard_size, kept->size, kept->guard_is_mapping};
    }
    if (!try_unmap(s)) return keep_refused(s);
  }
}

}  // namespace

stack_memory map_stack(std::size_t size) {
  retry_refused();
  stack_memory s{map_stack_memory(size), size};
  const guard made = install_guard(s.base);
  if (made == guard::none) {
    munmap(s.base, s.size);
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "conc: no guard page for a stack");
  }
  s.guard_is_mapping = made == guard::mapping;
  return s;
}

void unmap_stack(stack_memory s) noexcept {
  if (!try_unmap(s)) return keep_refused(s);
  retry_refused();
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
