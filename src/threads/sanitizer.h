// What the sanitizers must be told about stacks that are not theirs. Nothing in a normal build.
//
// Order matters: ThreadSanitizer is told right before the jump, from inlined code (an instrumented
// function between would unbalance its shadow call stack); AddressSanitizer is told before the
// jump where we go and after it that we came.
#ifndef CONC_THREADS_SANITIZER_H
#define CONC_THREADS_SANITIZER_H

#include <cstddef>

#include "locks/sanitized.h"

#if defined(CONC_ASAN)
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(CONC_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace conc::detail {

// One stack, as the sanitizers know it. Empty in a normal build.
struct sanitizer_stack {
#if defined(CONC_ASAN)
  void* fake_stack = nullptr;
  const void* lowest = nullptr;
  std::size_t size = 0;
#endif
#if defined(CONC_TSAN)
  void* fiber = nullptr;
#endif

  // A stack made by this library.
  void begin([[maybe_unused]] void* low, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(CONC_ASAN)
    lowest = low;
    size = bytes;
    ASAN_UNPOISON_MEMORY_REGION(low, bytes);  // the last thread on it may have left poison
#endif
#if defined(CONC_TSAN)
    fiber = __tsan_create_fiber(0);
#endif
  }
  // The calling kernel thread's own stack.
  void adopt_current() noexcept {
#if defined(CONC_ASAN)
    pthread_attr_t attributes;
    void* low = nullptr;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
      pthread_attr_getstack(&attributes, &low, &size);
      pthread_attr_destroy(&attributes);
    }
    lowest = low;
#endif
#if defined(CONC_TSAN)
    fiber = __tsan_get_current_fiber();
#endif
  }
  // Called once nothing runs on the stack any more.
  void end() noexcept {
#if defined(CONC_TSAN)
    __tsan_destroy_fiber(fiber);
    fiber = nullptr;
#endif
  }
};

[[gnu::always_inline]] inline void before_switch([[maybe_unused]] sanitizer_stack& from,
                                                 [[maybe_unused]] const sanitizer_stack& to,
                                                 [[maybe_unused]] bool last_time) noexcept {
#if defined(CONC_ASAN)
  __sanitizer_start_switch_fiber(last_time ? nullptr : &from.fake_stack, to.lowest, to.size);
#endif
#if defined(CONC_TSAN)
  __tsan_switch_to_fiber(to.fiber, 0);
#endif
}

[[gnu::always_inline]] inline void after_switch([[maybe_unused]] sanitizer_stack& here) noexcept {
#if defined(CONC_ASAN)
  __sanitizer_finish_switch_fiber(here.fake_stack, nullptr, nullptr);
#endif
}

}  // namespace conc::detail

#endif  // CONC_THREADS_SANITIZER_H
