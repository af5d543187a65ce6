// A yield from one thread to the next, on one processor: nanoseconds a switch.
//
//   yield_2               two threads that run the same code
//   yield_2_unlike        two threads that yield from different code, one of them a call deeper:
//                         a processor that predicts returns by a stack of calls is then mistaken
//   yield_1000            a thousand threads
#include <atomic>
#include <boost/context/fiber.hpp>
#include <vector>

#include "support/peers.h"
#include "support/per_operation.h"
#include "threads/figures.h"

namespace bench {
namespace {

template <class Peer>
struct alike {
  [[gnu::noinline]] static void yields(std::int64_t n, int) {
    for (std::int64_t i = 0; i < n; ++i) Peer::yield();
  }
};

template <class Peer>
struct unlike {
  [[gnu::noinline]] static void some(std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) Peer::yield();
  }
  [[gnu::noinline]] static void one() {
    Peer::yield();
    asm volatile("");  // no tail call
  }
  static void yields(std::int64_t n, int thread) {
    if (thread % 2 == 0) return some(n);
    for (std::int64_t i = 0; i < n; ++i) one();
  }
};

// n switches among `threads` threads that do nothing but yield.
template <class Peer, template <class> class Code>
nanos yield_among(std::int64_t n, int threads) {
  const std::int64_t rounds = std::max<std::int64_t>(1, n / threads);
  std::atomic<int> ready{0}, left{threads};
  std::atomic<bool> go{false};
  nanos start = 0, end = 0;
  auto yielder = [&](int i) {
    Code<Peer>::yields(rounds, i);
    if (left.fetch_sub(1) == 1) end = now();
  };
  Peer::run([&] {
    std::vector<typename Peer::thread> others;
    for (int i = 1; i < threads; ++i) {
      others.emplace_back([&, i] {
        ready.fetch_add(1);
        while (!go.load()) Peer::yield();
        yielder(i);
      });
    }
    while (ready.load() != threads - 1) Peer::yield();
    start = now();
    go.store(true);
    yielder(0);
    for (auto& t : others) t.join();
  });
  return (end - start) * n / (rounds * threads);
}

nanos bare_switches(std::int64_t n) {
  namespace context = boost::context;
  context::fiber other([](context::fiber&& back) {
    for (;;) back = std::move(back).resume();
    return std::move(back);
  });
  const nanos start = now();
  for (std::int64_t i = 0; i < n; i += 2) other = std::move(other).resume();
  return now() - start;
}

}  // namespace

void yield_figures() {
  per_operation("yield_2/Boost.Context bare switch", bare_switches, 1 << 10);
  each_peer_on_one_processor([]<class Peer>(const std::string& peer) {
    per_operation(
        "yield_2/" + peer, [](std::int64_t n) { return yield_among<Peer, alike>(n, 2); }, 1 << 10);
    per_operation(
        "yield_2_unlike/" + peer, [](std::int64_t n) { return yield_among<Peer, unlike>(n, 2); },
        1 << 10);
    per_operation(
        "yield_1000/" + peer, [](std::int64_t n) { return yield_among<Peer, alike>(n, 1000); },
        10'000);
  });
}

}  // namespace bench
