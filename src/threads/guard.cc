#include "threads/guard.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "conc/detail/atomic.h"
#include "locks/fatal.h"
#include "threads/stack.h"

namespace conc::detail {
namespace {

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102  // Linux 6.13; not in Debian 12's headers
#endif
constexpr int own_process = -10000;  // PIDFD_SELF, Linux 6.14

constinit atomic<std::size_t> guard_mappings{0};

std::size_t guard_mapping_budget() noexcept {
  static const std::size_t budget = [] {
    std::size_t limit = 65530;
    std::ifstream("/proc/sys/vm/max_map_count") >> limit;
    return limit / 4;
  }();
  return budget;
}

bool set_mark(std::byte* page) noexcept {
  return madvise(page, guard_size, MADV_GUARD_INSTALL) == 0;
}

bool try_marks() noexcept {
  void* page = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  // Without even a page there is nothing to find out; whoever asked is about to be refused memory.
  if (page == MAP_FAILED) return true;
  const bool works = set_mark(static_cast<std::byte*>(page));
  munmap(page, page_size);
  return works;
}

bool make_mapping(std::byte* page) noexcept {
  if (guard_mappings.fetch_add(1, memory_order_relaxed) < guard_mapping_budget()) {
    if (mprotect(page, guard_size, PROT_NONE) == 0) return true;
  } else {
    errno = ENOMEM;
  }
  guard_mappings.fetch_sub(1, memory_order_relaxed);
  return false;
}

}  // namespace

bool guards_are_marks() noexcept {
  static const bool marks = try_marks();
  return marks;
}

guard install_guard(std::byte* page) noexcept {
  if (guards_are_marks()) {
    if (set_mark(page)) return guard::mark;
    if (errno != EINVAL) return guard::none;  // else it is locked
  }
  return make_mapping(page) ? guard::mapping : guard::none;
}

std::uint64_t install_guards(std::byte* const* pages, std::size_t count) noexcept {
  // One system call for all, where the kernel allows it; the rest one by one.
  iovec parts[32];
  std::size_t done = 0;
  if (count > 1 && count <= std::size(parts)) {
    for (std::size_t i = 0; i < count; ++i) parts[i] = {pages[i], guard_size};
    const long got =
        syscall(SYS_process_madvise, own_process, parts, count, MADV_GUARD_INSTALL, 0u);
    if (got > 0) done = static_cast<std::size_t>(got) / guard_size;
  }
  std::uint64_t mappings = 0;
  for (; done < count; ++done) {
    const guard made = install_guard(pages[done]);
    if (made == guard::none) {
      fatal("the kernel has no memory for a stack's guard page", pages[done]);
    }
    if (made == guard::mapping) mappings |= std::uint64_t{1} << done;
  }
  return mappings;
}

std::size_t guard_mappings_left() noexcept {
  const std::size_t made = guard_mappings.load(memory_order_relaxed);
  return made < guard_mapping_budget() ? guard_mapping_budget() - made : 0;
}

void forget_guards(std::size_t count) noexcept {
  guard_mappings.fetch_sub(count, memory_order_relaxed);
}

}  // namespace conc::detail
