// From a release() to the moment when the thread that it wakes runs, on a CPU that was asleep.
//
//   wake_across             the waker is a thread of the same make, and keeps its own CPU busy
//   wake_from_kernel_thread it is a kernel thread
//
// The waker waits 100 us before each wake, longer than anybody looks around for work. A sample is
// the median of its wakes. Wakes on one processor are the hand-overs of bench_locks.
#include <algorithm>
#include <atomic>
#include <vector>

#include "support/futex_semaphore.h"
#include "support/peers.h"
#include "support/per_operation.h"
#include "support/samples.h"
#include "threads/figures.h"

namespace bench {
namespace {

constexpr int wakes = 200;
constexpr nanos pause_before = 100'000;

template <class Semaphore>
struct wake_test {
  Semaphore go{0};
  alignas(128) std::atomic<nanos> sent{0};
  alignas(128) std::atomic<int> seen{0};
  std::vector<double> late;

  void sleeper() {
    late.reserve(wakes);
    for (int i = 1; i <= wakes; ++i) {
      go.acquire();
      late.push_back(static_cast<double>(now() - sent.load()));
      seen.store(i);
    }
  }
  void waker() {
    for (int i = 1; i <= wakes; ++i) {
      for (const nanos until = now() + pause_before; now() < until;) continue;
      sent.store(now());
      go.release();
      while (seen.load() != i) continue;
    }
  }
  reading result() {
    std::sort(late.begin(), late.end());
    return {.time = median(late), .beside = {{"p99_ns", late[late.size() * 99 / 100]}}};
  }
};

template <class Peer, class Semaphore>
reading wake_across() {
  wake_test<Semaphore> test;
  Peer::run([&] {
    typename Peer::thread other([&] {
      Peer::settle(1);
      test.sleeper();
    });
    Peer::settle(0);
    test.waker();
    other.join();
  });
  return test.result();
}

template <class Peer>
reading wake_from_kernel_thread() {
  wake_test<typename Peer::semaphore> test;
  std::thread kernel_thread([&] {
    bind_to(allowed_cpus().front());
    test.waker();
  });
  Peer::run([&] { test.sleeper(); });
  kernel_thread.join();
  return test.result();
}

}  // namespace

void wake_figures() {
  if (allowed_cpus().size() < 2) {
    not_possible("wake_across/conc, 2 processors", "this needs two CPUs");
    not_possible("wake_from_kernel_thread/conc", "this needs two CPUs");
    return;
  }
  using two = conc_peer<2>;
  figure("wake_across/conc, 2 processors", wake_across<two, two::semaphore>);
  using two_pinned = conc_peer<2, true>;
  figure("wake_across/conc, 2 processors, pinned", wake_across<two_pinned, two::semaphore>);
  figure("wake_across/std::thread", wake_across<std_across_cpus, std::binary_semaphore>);
  figure("wake_across/futex", wake_across<std_across_cpus, futex_semaphore>);
  figure("wake_from_kernel_thread/conc", wake_from_kernel_thread<conc_peer<1>>);
  figure("wake_from_kernel_thread/conc, 2 processors", wake_from_kernel_thread<two>);
  figure("wake_from_kernel_thread/futex", wake_across<std_across_cpus, futex_semaphore>);
}

}  // namespace bench
