// Two kernel threads that wake each other with the bare system call: what blocking costs at best.
#ifndef CONC_BENCH_SUPPORT_FUTEX_PINGPONG_H
#define CONC_BENCH_SUPPORT_FUTEX_PINGPONG_H

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "support/clock.h"
#include "support/cpus.h"

namespace bench {

inline long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
  return syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

// Time of n hand-overs, one direction each. With both threads on one CPU that CPU is never idle, so
// the time of a hand-over is also the CPU time of one block and one wake.
inline nanos futex_pingpong(std::int64_t n, int cpu_a, int cpu_b) {
  std::atomic<std::uint32_t> turn{0};  // even: a's move
  const auto last = static_cast<std::uint32_t>(n);
  auto play = [&](std::uint32_t me, int cpu) {
    bind_to(cpu);
    for (std::uint32_t t = me; t < last; t += 2) {
      for (;;) {
        const std::uint32_t seen = turn.load(std::memory_order_acquire);
        if (seen == t) break;
        futex(turn, FUTEX_WAIT, seen);
      }
      turn.store(t + 1, std::memory_order_release);
      futex(turn, FUTEX_WAKE, 1);
    }
  };
  nanos took = 0;
  std::thread other(play, 1, cpu_b);
  std::thread one([&] {
    bind_to(cpu_a);
    const nanos start = now();
    play(0, cpu_a);
    other.join();
    took = now() - start;
  });
  one.join();
  return took;
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_FUTEX_PINGPONG_H
