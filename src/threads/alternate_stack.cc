#include "threads/alternate_stack.h"

#include <sys/auxv.h>

#include <algorithm>

namespace conc::detail {
namespace {

// What the kernel puts there, and as much again as the largest of our own handlers needs.
std::size_t size() noexcept {
#ifdef AT_MINSIGSTKSZ
  const std::size_t frame = getauxval(AT_MINSIGSTKSZ);
#else
  const std::size_t frame = 0;
#endif
  return checked_stack_size(std::max<std::size_t>(frame, 16 * 1024) + 64 * 1024);
}

}  // namespace

alternate_stack::alternate_stack() : memory_(map_stack(size())) {}

alternate_stack::~alternate_stack() { unmap_stack(memory_); }

void alternate_stack::use() noexcept {
  stack_t ours{};
  ours.ss_sp = memory_.lowest_usable();
  ours.ss_size = memory_.usable_size();
  sigaltstack(&ours, &before_);
}

void alternate_stack::stop_using() noexcept { sigaltstack(&before_, nullptr); }

}  // namespace conc::detail
