// What threads cost: yield, spawn and join, hand-overs between two of them. Beside conc, in the
// same run: Boost.Fiber, Boost.Context's bare switch, std::thread, and the bare futex system call.
//
// Names are figure/peer. Time is per switch, per thread spawned and joined, per hand-over in one
// direction. conc and Boost.Fiber run on one processor; "conc, 2 processors" is marked.
#include <boost/context/fiber.hpp>
#include <vector>

#include "support/futex_pingpong.h"
#include "support/peers.h"
#include "support/per_operation.h"

namespace bench {
namespace {

// n switches among `threads` threads that do nothing but yield.
template <class Peer>
nanos yield_among(std::int64_t n, int threads) {
  const std::int64_t rounds = std::max<std::int64_t>(1, n / threads);
  std::atomic<int> ready{0}, left{threads};
  std::atomic<bool> go{false};
  nanos start = 0, end = 0;
  auto yielder = [&] {
    for (std::int64_t i = 0; i < rounds; ++i) Peer::yield();
    if (left.fetch_sub(1) == 1) end = now();
  };
  Peer::run([&] {
    std::vector<typename Peer::thread> others;
    for (int i = 1; i < threads; ++i) {
      others.emplace_back([&] {
        ready.fetch_add(1);
        while (!go.load()) Peer::yield();
        yielder();
      });
    }
    while (ready.load() != threads - 1) Peer::yield();
    start = now();
    go.store(true);
    yielder();
    for (auto& t : others) t.join();
  });
  return (end - start) * n / (rounds * threads);
}

// n threads, `at_once` of them alive at a time.
template <class Peer>
nanos spawn_and_join(std::int64_t n, int at_once) {
  nanos took = 0;
  std::int64_t made = 0;
  Peer::run([&] {
    std::vector<typename Peer::thread> batch;
    batch.reserve(static_cast<std::size_t>(at_once));
    const nanos start = now();
    while (made < n) {
      for (int i = 0; i < at_once; ++i) batch.emplace_back([] {});
      for (auto& t : batch) t.join();
      batch.clear();
      made += at_once;
    }
    took = now() - start;
  });
  return took * n / made;
}

template <class Peer, class Player>
nanos play_in_two_threads(Player player) {
  nanos took = 0;
  Peer::run([&] {
    typename Peer::thread other([&] {
      Peer::settle(1);
      player(1);
    });
    Peer::settle(0);
    const nanos start = now();
    player(0);
    other.join();
    took = now() - start;
  });
  return took;
}

template <class Peer>
nanos condition_pingpong(std::int64_t n) {
  typename Peer::mutex m;
  typename Peer::condition_variable moved;
  std::int64_t turn = 0;
  return play_in_two_threads<Peer>([&](std::int64_t me) {
    std::unique_lock lock(m);
    for (std::int64_t t = me; t < n; t += 2) {
      moved.wait(lock, [&] { return turn == t; });
      turn = t + 1;
      moved.notify_one();
    }
  });
}

template <class Peer>
nanos semaphore_pingpong(std::int64_t n) {
  typename Peer::semaphore turn[2] = {typename Peer::semaphore(1), typename Peer::semaphore(0)};
  return play_in_two_threads<Peer>([&](std::int64_t me) {
    for (std::int64_t t = me; t < n; t += 2) {
      turn[me].acquire();
      turn[1 - me].release();
    }
  });
}

// A kernel thread and a thread of the peer's wake each other, wherever the kernel lets them run.
template <class Peer>
nanos kernel_thread_pingpong(std::int64_t n) {
  typename Peer::semaphore there(0), back(0);
  nanos took = 0;
  std::thread kernel_thread([&] {
    const nanos start = now();
    for (std::int64_t i = 0; i < n; i += 2) {
      there.release();
      back.acquire();
    }
    took = now() - start;
  });
  Peer::run([&] {
    for (std::int64_t i = 0; i < n; i += 2) {
      there.acquire();
      back.release();
    }
  });
  kernel_thread.join();
  return took;
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

template <class Peer>
void both_yields(const std::string& peer) {
  per_operation(
      "yield_2/" + peer, [](std::int64_t n) { return yield_among<Peer>(n, 2); }, 1 << 10);
  per_operation(
      "yield_1000/" + peer, [](std::int64_t n) { return yield_among<Peer>(n, 1000); }, 10'000);
}

template <class Peer>
void both_spawns(const std::string& peer) {
  per_operation("spawn_join_1/" + peer, [](std::int64_t n) { return spawn_and_join<Peer>(n, 1); });
  per_operation(
      "spawn_join_100/" + peer, [](std::int64_t n) { return spawn_and_join<Peer>(n, 100); }, 100);
}

void yields_and_spawns() {
  both_yields<conc_peer<1>>("conc");
  both_yields<boost_peer>("Boost.Fiber");
  both_yields<std_one_cpu>("std::thread, one CPU");
  per_operation("yield_2/Boost.Context bare switch", bare_switches, 1 << 10);

  both_spawns<conc_peer<1>>("conc");
  both_spawns<conc_peer<2>>("conc, 2 processors");
  both_spawns<boost_peer>("Boost.Fiber");
  both_spawns<std_one_cpu>("std::thread, one CPU");
}

void hand_overs() {
  per_operation("condition_pingpong/conc", condition_pingpong<conc_peer<1>>);
  per_operation("condition_pingpong/Boost.Fiber", condition_pingpong<boost_peer>);
  per_operation("condition_pingpong/std::thread, one CPU", condition_pingpong<std_one_cpu>);
  per_operation("semaphore_pingpong/conc", semaphore_pingpong<conc_peer<1>>);
  per_operation("semaphore_pingpong/std::thread, one CPU", semaphore_pingpong<std_one_cpu>);
  const std::vector<int> cpus = allowed_cpus();
  per_operation("semaphore_pingpong/futex, one CPU",
                [a = cpus[0]](std::int64_t n) { return futex_pingpong(n, a, a); });
  per_operation("kernel_thread_pingpong/conc", kernel_thread_pingpong<conc_peer<1>>);
  per_operation("kernel_thread_pingpong/std::thread", kernel_thread_pingpong<std_across_cpus>);

  if (cpus.size() < 2) {
    for (const char* name :
         {"condition_pingpong/std::thread, across CPUs",
          "semaphore_pingpong/std::thread, across CPUs", "semaphore_pingpong/futex, across CPUs"}) {
      not_possible(name, "this needs two CPUs");
    }
    return;
  }
  per_operation("condition_pingpong/std::thread, across CPUs", condition_pingpong<std_across_cpus>);
  per_operation("semaphore_pingpong/std::thread, across CPUs", semaphore_pingpong<std_across_cpus>);
  per_operation("semaphore_pingpong/futex, across CPUs",
                [a = cpus[0], b = cpus[1]](std::int64_t n) { return futex_pingpong(n, a, b); });
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::yields_and_spawns();
  bench::hand_overs();
  return bench::run_interleaved(argc, argv);
}
