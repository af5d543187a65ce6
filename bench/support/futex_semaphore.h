// The bare system call as a binary semaphore that never spins: what a kernel wake costs at best.
#ifndef CONC_BENCH_SUPPORT_FUTEX_SEMAPHORE_H
#define CONC_BENCH_SUPPORT_FUTEX_SEMAPHORE_H

#include <atomic>
#include <cstdint>

#include "support/futex_pingpong.h"

namespace bench {

class futex_semaphore {
 public:
  explicit futex_semaphore(std::uint32_t permits) : permits_(permits) {}
  void acquire() {
    while (permits_.exchange(0, std::memory_order_acquire) == 0) futex(permits_, FUTEX_WAIT, 0);
  }
  void release() {
    permits_.store(1, std::memory_order_release);
    futex(permits_, FUTEX_WAKE, 1);
  }

 private:
  std::atomic<std::uint32_t> permits_;
};

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_FUTEX_SEMAPHORE_H
