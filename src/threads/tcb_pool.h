// Control blocks and stacks that are not in use, near the processor that will want them.
//
// A control block, once made, stays one for ever (type-stable memory, locks/task_slab.h) and goes
// round between threads and these lists. Each processor has a cache of its own, touched only by the
// carrier that holds the processor; behind the caches stands one locked list for the process.
#ifndef CONC_THREADS_TCB_POOL_H
#define CONC_THREADS_TCB_POOL_H

#include "threads/stack_pool.h"
#include "threads/tcb.h"

namespace conc::detail {

// Refills take and returns give this many control blocks at once; a cache holds at most twice that.
inline constexpr std::uint32_t cache_batch = 32;
// The same for stacks. Fewer, for each has memory behind it that other processors could want.
inline constexpr std::uint32_t stack_batch = 16;

class thread_cache {
 public:
  thread_cache();  // throws std::system_error if no address space is left for its stacks
  ~thread_cache();
  thread_cache(const thread_cache&) = delete;
  thread_cache& operator=(const thread_cache&) = delete;

  bool has_tcb() const noexcept { return blocks_ != nullptr; }
  // A control block with the right to a stack of the default size. Throws std::system_error: no
  // memory, no address space, too many threads.
  tcb& take_tcb() {
    if (blocks_ == nullptr) [[unlikely]]
      refill();
    tcb* t = blocks_;
    blocks_ = t->next_ready;
    --count_;
    return *t;
  }
  void give_tcb(tcb& t) noexcept {
    t.next_ready = blocks_;
    blocks_ = &t;
    if (++count_ > 2 * cache_batch) [[unlikely]]
      spill();
  }

  // Rarely enters the kernel.
  std::byte* take_stack() noexcept {
    if (stack_count_ == 0) [[unlikely]]
      refill_stacks();
    return stacks_[--stack_count_];
  }
  void give_stack(std::byte* base) noexcept {
    if (stack_count_ == 2 * stack_batch) [[unlikely]]
      spill_stacks();
    stacks_[stack_count_++] = base;
  }

 private:
  [[gnu::cold, gnu::noinline]] void refill();
  [[gnu::cold, gnu::noinline]] void spill() noexcept;
  [[gnu::cold, gnu::noinline]] void refill_stacks() noexcept;
  [[gnu::cold, gnu::noinline]] void spill_stacks() noexcept;

  tcb* blocks_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t stack_count_ = 0;
  std::byte* stacks_[2 * stack_batch];  // the last given is taken first: its memory is warm
};

// For kernel threads, which have no cache.
tcb& take_tcb_from_pool();
void give_tcb_to_pool(tcb& t) noexcept;

}  // namespace conc::detail

#endif  // CONC_THREADS_TCB_POOL_H
