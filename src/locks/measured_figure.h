// A figure of this machine, in nanoseconds, that is measured once per process.
#ifndef CONC_LOCKS_MEASURED_FIGURE_H
#define CONC_LOCKS_MEASURED_FIGURE_H

#include <pthread.h>

#include "conc/detail/atomic.h"
#include "locks/clock.h"

namespace conc::detail {

// `measure` takes milliseconds; 0 from it says that it was not possible.
template <nanos (*measure)() noexcept>
class measured_figure {
 public:
  // Of the kernel thread that measures in the background; `assumed` stands in until it is done.
  constexpr measured_figure(const char* thread_name, nanos assumed) noexcept
      : thread_name_(thread_name), assumed_(assumed) {}

  // Measures if nobody has; waits if somebody does just now.
  nanos get() noexcept {
    if (const nanos n = known_.load(memory_order_relaxed); n != 0) return n;
    static const nanos measured = measure();
    known_.store(measured, memory_order_relaxed);
    return measured;
  }

  // Never waits. The first call has it measured; if no thread is to be had the assumption stays.
  nanos if_known() noexcept {
    const nanos n = known_.load(memory_order_relaxed);
    if (n != 0) [[likely]]
      return n;
    if (!begun_.load(memory_order_relaxed) && !begun_.exchange(true, memory_order_relaxed)) {
      pthread_t thread;
      const auto in_background = [](void* figure) -> void* {
        auto& self = *static_cast<measured_figure*>(figure);
        pthread_setname_np(pthread_self(), self.thread_name_);
        self.get();
        return nullptr;
      };
      if (pthread_create(&thread, nullptr, in_background, this) == 0) pthread_detach(thread);
    }
    return assumed_;
  }

 private:
  const char* const thread_name_;
  const nanos assumed_;
  atomic<nanos> known_{0};
  atomic<bool> begun_{false};
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_MEASURED_FIGURE_H
