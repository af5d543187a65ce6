#include "threads/stack_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <new>
#include <system_error>
#include <vector>

#include "locks/fatal.h"
#include "locks/immortal.h"
#include "locks/internal_lock.h"
#include "locks/mutants.h"
#include "threads/guard.h"
#include "threads/stack_set.h"

namespace conc::detail {
namespace {

constexpr std::size_t group_bytes = stacks_per_group * default_stack_size;

// Mappings grow with the pool, up to 4 GiB of address space each, so that a million stacks do not
// take thousands of system calls. Only where that is to be had: else what is needed will do.
constexpr std::size_t most_groups_at_once = 256;

// Stack number n is the (n % 64)th of group n / 64. The groups of one mapping are neighbours.
struct mapping {
  std::byte* base;
  std::size_t first_group;
  std::size_t groups;
};

// Invariant: reserved + stacks_per_group <= mapped, where the group in excess covers the stacks
// that trim_stacks() works on; hence take_stacks() never finds nothing. Each stack is in one of the
// three sets, in use (or in a processor's cache), or being trimmed.
struct pool {
  internal_lock lock;
  stack_set warm, cold, fresh;
  std::vector<std::byte*> group_base;
  // Where guards are marks: those that have become mappings for all that. One bit a stack.
  std::vector<std::uint64_t> guard_mappings;
  std::vector<mapping> mappings;  // by address
  std::size_t reserved = 0;

  // The interval of the trimming: the least number of warm stacks since it began.
  bool interval_runs = false;
  bool trimming = false;
  std::size_t least_warm = 0;

  std::size_t mapped() const noexcept { return group_base.size() * stacks_per_group; }
  std::byte* address(std::size_t stack) const noexcept {
    return group_base[stack / stacks_per_group] + stack % stacks_per_group * default_stack_size;
  }
  std::size_t number(const std::byte* base) const noexcept {
    auto after = std::upper_bound(mappings.begin(), mappings.end(), base,
                                  [](const std::byte* b, const mapping& m) { return b < m.base; });
    const mapping& m = *std::prev(after);
    return m.first_group * stacks_per_group +
           static_cast<std::size_t>(base - m.base) / default_stack_size;
  }
};

constinit immortal<pool> the_pool;

pool& stacks() noexcept { return the_pool.object; }

[[noreturn]] void refuse(const char* what) {
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again), what);
}

// Guards that are mappings are made here, while a refusal can be reported.
void guard_all(std::byte* base, std::size_t groups) {
  const std::size_t count = groups * stacks_per_group;
  for (std::size_t i = 0; i < count; ++i) {
    if (install_guard(base + i * default_stack_size) != guard::none) continue;
    munmap(base, groups * group_bytes);
    forget_guards(i);
    refuse("conc: no mappings left for guard pages (vm.max_map_count)");
  }
}

std::byte* map_groups(std::size_t groups) {
  std::byte* base = map_stack_memory(groups * group_bytes);
  if (!guards_are_marks()) guard_all(base, groups);
  return base;
}

// Under the lock.
void grow(pool& p, std::size_t missing) {
  const std::size_t needed = (missing + stacks_per_group - 1) / stacks_per_group;
  std::size_t groups = needed;
  if (guards_are_marks()) {
    groups = std::max(groups, std::min(p.group_base.size() / 2, most_groups_at_once));
  }
  const std::size_t all = p.group_base.size() + groups;
  // The throwing steps, before anything has happened.
  const std::size_t room = std::max(all, 2 * p.group_base.size());
  if (all > p.group_base.capacity()) {
    for (stack_set* s : {&p.warm, &p.cold, &p.fresh}) s->reserve(room);
    p.group_base.reserve(room);
    p.guard_mappings.reserve(room);
  }
  if (p.mappings.size() == p.mappings.capacity()) p.mappings.reserve(2 * p.mappings.size() + 8);
  std::byte* base;
  try {
    base = map_groups(groups);
  } catch (const std::system_error&) {
    if (groups == needed) throw;
    groups = needed;
    base = map_groups(groups);
  }

  const std::size_t first = p.group_base.size();
  const mapping made{base, first, groups};
  const auto place = std::find_if(p.mappings.begin(), p.mappings.end(),
                                  [&](const mapping& m) { return m.base > base; });
  p.mappings.insert(place, made);
  for (std::size_t i = 0; i < groups; ++i) p.group_base.push_back(base + i * group_bytes);
  p.guard_mappings.resize(first + groups);
  for (stack_set* s : {&p.warm, &p.cold, &p.fresh}) s->grow_to(first + groups);
  stack_set& unused = guards_are_marks() ? p.fresh : p.cold;
  for (std::size_t i = 0; i < groups; ++i) unused.add(first + i, ~std::uint64_t{0});
}

}  // namespace

void reserve_stacks(std::size_t count) {
  pool& p = stacks();
  internal_lock_guard guard(p.lock);
  const std::size_t wanted = p.reserved + count + stacks_per_group;
  try {
    if (wanted > p.mapped()) grow(p, wanted - p.mapped());
  } catch (const std::bad_alloc&) {
    refuse("conc: no memory for the list of stacks");
  }
  p.reserved += count;
}

void unreserve_stacks(std::size_t count) noexcept {
  pool& p = stacks();
  internal_lock_guard guard(p.lock);
  p.reserved -= count;
}

namespace {

// They go with their group (trim_stacks()).
[[gnu::cold, gnu::noinline]] void note_guard_mappings(std::byte* const* bases,
                                                      std::uint64_t which) noexcept {
  pool& p = stacks();
  internal_lock_guard guard(p.lock);
  for (; which != 0; which &= which - 1) {
    const std::size_t n = p.number(bases[std::countr_zero(which)]);
    p.guard_mappings[n / stacks_per_group] |= stack_set::bit(n % stacks_per_group);
  }
}

}  // namespace

std::size_t take_stacks(std::byte** bases, std::size_t wanted) noexcept {
  pool& p = stacks();
  wanted = std::min<std::size_t>(wanted, 64);
  std::size_t taken = 0;
  {
    internal_lock_guard guard(p.lock);
    for (stack_set* s : {&p.warm, &p.cold}) {
      while (taken < wanted && !s->empty()) bases[taken++] = p.address(s->take_first());
    }
    if (CONC_STEP(stack_note_the_least)) p.least_warm = std::min(p.least_warm, p.warm.size());
    if (taken != 0) return taken;
    while (taken < wanted && !p.fresh.empty()) bases[taken++] = p.address(p.fresh.take_first());
  }
  if (taken == 0) fatal("a stack was taken that nobody had reserved");
  // Called on the way to a thread's first run: the errno in force is still its predecessor's.
  const int saved_errno = errno;
  const std::uint64_t mappings = install_guards(bases, taken);
  errno = saved_errno;
  if (mappings != 0) [[unlikely]]
    note_guard_mappings(bases, mappings);
  return taken;
}

void give_stacks(std::byte* const* bases, std::size_t count) noexcept {
  pool& p = stacks();
  internal_lock_guard guard(p.lock);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t n = p.number(bases[i]);
    p.warm.add(n / stacks_per_group, stack_set::bit(n % stacks_per_group));
  }
  if (!p.interval_runs && p.warm.size() > least_warm_stacks) {
    next_trim.store(0, memory_order_relaxed);  // the next occasion begins an interval
  }
}

namespace {

// What is taken out of the sets while its memory goes back.
struct surplus {
  std::byte* base;  // of its group
  std::size_t group;
  std::uint64_t warm, cold, fresh;

  bool whole() const noexcept { return (warm | cold | fresh) == ~std::uint64_t{0}; }
};

// A new interval, or none if there is nothing that could become a surplus.
void next_interval(pool& p, nanos time) noexcept {
  p.least_warm = p.warm.size();
  p.interval_runs = p.warm.size() > least_warm_stacks;
  next_trim.store(p.interval_runs ? time + trim_interval : no_deadline, memory_order_relaxed);
}

// Under the lock. False if there is none.
bool find_surplus(pool& p, surplus& out) noexcept {
  if (!p.interval_runs || p.least_warm <= least_warm_stacks || p.warm.empty()) return false;
  out.group = p.warm.last_group();
  out.base = p.group_base[out.group];
  out.warm = p.warm.members(out.group);
  out.cold = p.cold.members(out.group);
  out.fresh = p.fresh.members(out.group);
  p.warm.remove(out.group, out.warm);
  p.cold.remove(out.group, out.cold);
  p.fresh.remove(out.group, out.fresh);
  p.least_warm -= std::min(p.least_warm, static_cast<std::size_t>(std::popcount(out.warm)));
  return true;
}

// A new mapping in the place of the old one: takes memory, marks and page tables away in one step.
bool make_fresh(std::byte* base) noexcept {
  void* p = mmap(base, group_bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (p == MAP_FAILED) return false;  // the old one is still there
  madvise(base, group_bytes, MADV_NOHUGEPAGE);
  return true;
}

// Guards of both kinds survive this.
bool make_cold(const surplus& s) noexcept {
  if (~s.warm == 0) return madvise(s.base, group_bytes, MADV_DONTNEED) == 0;
  bool all = true;
  for (std::size_t i = 0; i < stacks_per_group; ++i) {
    if ((s.warm & stack_set::bit(i)) == 0) continue;
    std::byte* usable = s.base + i * default_stack_size + guard_size;
    all = madvise(usable, default_stack_size - guard_size, MADV_DONTNEED) == 0 && all;
  }
  return all;
}

}  // namespace

void trim_stacks(nanos time) noexcept {
  pool& p = stacks();
  surplus s;
  {
    internal_lock_guard guard(p.lock);
    if (p.trimming || time < next_trim.load(memory_order_relaxed)) return;
    if (!find_surplus(p, s)) return next_interval(p, time);
    p.trimming = true;
  }
  const int saved_errno = errno;
  const bool fresh = s.whole() && guards_are_marks() && make_fresh(s.base);
  const bool gone = fresh || make_cold(s);
  errno = saved_errno;

  internal_lock_guard guard(p.lock);
  p.trimming = false;
  if (fresh) {
    if (CONC_STEP(guard_forget_the_trimmed)) {
      forget_guards(static_cast<std::size_t>(std::popcount(p.guard_mappings[s.group])));
    }
    p.guard_mappings[s.group] = 0;
    return p.fresh.add(s.group, ~std::uint64_t{0});
  }
  (gone ? p.cold : p.warm).add(s.group, s.warm);
  p.cold.add(s.group, s.cold);
  p.fresh.add(s.group, s.fresh);
  if (!gone) {
    // Memory that the program has locked (mlockall): give_stacks() tries again.
    p.interval_runs = false;
    next_trim.store(no_deadline, memory_order_relaxed);
  }
}

stack_pool_state look_at_stacks() noexcept {
  pool& p = stacks();
  internal_lock_guard guard(p.lock);
  return {p.mapped(), p.reserved, p.warm.size(), p.cold.size(), p.fresh.size()};
}

}  // namespace conc::detail
