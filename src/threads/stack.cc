#include "threads/stack.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <vector>

#include "locks/fatal.h"
#include "locks/internal_lock.h"

namespace conc::detail {
namespace {

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102  // Linux 6.13; not in Debian 12's headers
#endif

// A guard by madvise() is a mark in the page table: it needs no mapping of its own, so a million
// guarded stacks fit under vm.max_map_count. Without it each guard splits a mapping in two, and
// only so many are allowed before the program itself could run out.
constinit atomic<bool> kernel_lacks_guard_install{false};
constinit atomic<std::size_t> guards_by_mapping{0};

std::size_t guard_mapping_budget() noexcept {
  static const std::size_t budget = [] {
    std::size_t limit = 65530;
    std::ifstream("/proc/sys/vm/max_map_count") >> limit;
    return limit / 4;
  }();
  return budget;
}

bool install_guard(std::byte* base) noexcept {
  if (!kernel_lacks_guard_install.load(memory_order_relaxed)) {
    if (madvise(base, guard_size, MADV_GUARD_INSTALL) == 0) return true;
    if (errno != EINVAL) return false;
    kernel_lacks_guard_install.store(true, memory_order_relaxed);
  }
  if (guards_by_mapping.fetch_add(1, memory_order_relaxed) >= guard_mapping_budget()) {
    guards_by_mapping.fetch_sub(1, memory_order_relaxed);
    return false;
  }
  if (mprotect(base, guard_size, PROT_NONE) == 0) return true;
  guards_by_mapping.fetch_sub(1, memory_order_relaxed);
  return false;
}

std::byte* map_memory(std::size_t bytes) {
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

// Address space that no stack has been cut from yet.
struct fresh_range {
  std::byte* begin;
  std::byte* end;
};

constexpr std::size_t least_stacks_per_mapping = 64;

// `reserved` threads may each want a stack at any time; `mapped` stacks exist: in use, returned or
// fresh. Invariant: reserved <= mapped, hence take_stack() never finds nothing.
struct pool {
  internal_lock lock;
  free_stack* returned = nullptr;  // used before: warm and guarded
  std::vector<fresh_range> fresh;
  std::size_t mapped = 0;
  std::size_t reserved = 0;
};

pool& stacks() noexcept {
  static pool* const p = new pool;  // outlives every static object: detached threads may still run
  return *p;
}

}  // namespace

std::size_t checked_stack_size(std::size_t wish) {
  if (wish == 0) return default_stack_size;
  if (wish > greatest_stack_size) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "conc: impossible stack size");
  }
  wish = (wish + page_size - 1) / page_size * page_size + guard_size;
  return wish < least_stack_size ? least_stack_size : wish;
}

stack_memory map_stack(std::size_t size) {
  stack_memory s{map_memory(size), size};
  if (!install_guard(s.base)) {
    munmap(s.base, s.size);
    throw std::system_error(std::make_error_code(std::errc::not_enough_memory),
                            "conc: no guard page for a stack");
  }
  return s;
}

void unmap_stack(stack_memory s) noexcept {
  munmap(s.base, s.size);
  // Its guard was a mapping of its own, if the kernel has no other kind.
  if (kernel_lacks_guard_install.load(memory_order_relaxed)) {
    guards_by_mapping.fetch_sub(1, memory_order_relaxed);
  }
}

void reserve_stacks(std::size_t count) {
  pool& p = stacks();
  internal_lock_guard guard(p.lock);
  if (p.reserved + count > p.mapped) {
    const std::size_t missing = p.reserved + count - p.mapped;
    const std::size_t n = std::max(missing, least_stacks_per_mapping);
    if (kernel_lacks_guard_install.load(memory_order_relaxed) &&
        p.mapped + n > guard_mapping_budget()) {
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              "conc: no mappings left for guard pages (vm.max_map_count)");
    }
    p.fresh.reserve(p.fresh.size() + 1);  // the throwing step, before anything has happened
    std::byte* base = map_memory(n * default_stack_size);
    p.fresh.push_back({base, base + n * default_stack_size});
    p.mapped += n;
  }
  p.reserved += count;
}

void unreserve_stacks(std::size_t count) noexcept {
  pool& p = stacks();
  internal_lock_guard guard(p.lock);
  p.reserved -= count;
}

std::byte* take_stack() noexcept {
  pool& p = stacks();
  std::byte* base;
  {
    internal_lock_guard guard(p.lock);
    if (p.returned != nullptr) {
      free_stack* f = p.returned;
      p.returned = f->next;
      return base_of(f);
    }
    if (p.fresh.empty()) fatal("a stack was taken that nobody had reserved");
    fresh_range& r = p.fresh.back();
    base = r.begin;
    r.begin += default_stack_size;
    if (r.begin == r.end) p.fresh.pop_back();
  }
  // Called on the way to a thread's first run: the errno in force is still its predecessor's.
  const int saved_errno = errno;
  if (!install_guard(base)) fatal("the kernel has no memory for a stack's guard page", base);
  errno = saved_errno;
  return base;
}

void give_stack(std::byte* base) noexcept {
  pool& p = stacks();
  internal_lock_guard guard(p.lock);
  free_stack* f = as_free(base);
  f->next = p.returned;
  p.returned = f;
}

}  // namespace conc::detail
