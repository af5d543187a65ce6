// A full memory barrier: no later load before an earlier store.
#ifndef CONC_LOCKS_FENCE_H
#define CONC_LOCKS_FENCE_H

#include "conc/detail/atomic.h"
#include "locks/mutants.h"
#include "locks/sanitized.h"

namespace conc::detail {

// Written out because compilers differ: clang makes of std::atomic_thread_fence an MFENCE, at eight
// times the price of a locked instruction, and g++'s ThreadSanitizer does not know fences at all.
[[gnu::always_inline]] inline void full_fence() noexcept {
  if (!CONC_STEP(full_fence)) return;
#if defined(__x86_64__) && !defined(CONC_TSAN)
  asm volatile("lock orq $0, (%%rsp)" ::: "memory", "cc");
#elif defined(CONC_TSAN)
  static constinit atomic<int> meeting_point{0};
  meeting_point.fetch_add(0, memory_order_seq_cst);
#else
  std::atomic_thread_fence(memory_order_seq_cst);
#endif
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_FENCE_H
