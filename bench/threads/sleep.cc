// Threads that sleep for 10 ms, again and again: nanoseconds of CPU time for a wake.
//
//   sleepers_1000, sleepers_100000
//
// Beside it: how late they wake (p50, p99; the last eight wakes of each thread), wakes a second,
// and the CPUs that it takes. A hundred thousand want ten million wakes a second, more than any of
// the peers can give: there lateness is the length of the queue.
#include <atomic>
#include <memory>
#include <vector>

#include "support/peers.h"
#include "support/per_operation.h"
#include "threads/figures.h"

namespace bench {
namespace {

constexpr nanos nap = 10'000'000, window = 2'000'000'000;
constexpr std::size_t kept = 8;

struct alignas(64) sleeper {
  std::atomic<std::uint64_t> wakes{0};
  std::atomic<std::uint32_t> late[kept];  // nanoseconds, of the last wakes
};

template <class Peer>
void sleep_in_a_loop(sleeper& me, const std::atomic<bool>& over) {
  for (nanos slept_at = now(); !over.load(std::memory_order_relaxed);) {
    Peer::sleep_for(std::chrono::nanoseconds(nap));
    const nanos woken = now();
    const std::uint64_t n = me.wakes.load(std::memory_order_relaxed);
    me.late[n % kept].store(static_cast<std::uint32_t>(woken - slept_at - nap),
                            std::memory_order_relaxed);
    me.wakes.store(n + 1, std::memory_order_relaxed);
    slept_at = woken;
  }
}

double all_wakes(const std::vector<sleeper>& sleepers) {
  std::uint64_t sum = 0;
  for (const sleeper& s : sleepers) sum += s.wakes.load(std::memory_order_relaxed);
  return static_cast<double>(sum);
}

histogram lateness(const std::vector<sleeper>& sleepers) {
  histogram all;
  for (const sleeper& s : sleepers) {
    for (std::size_t i = 0; i < std::min<std::size_t>(kept, s.wakes.load()); ++i) {
      all.add(s.late[i].load());
    }
  }
  return all;
}

template <class Peer>
reading sleep_test(int threads) {
  std::vector<sleeper> sleepers(static_cast<std::size_t>(threads));
  std::atomic<bool> over{false};
  reading r;
  Peer::run([&] {
    std::vector<typename Peer::thread> all;
    all.reserve(sleepers.size());
    for (sleeper& s : sleepers) {
      all.emplace_back([&s, &over] { sleep_in_a_loop<Peer>(s, over); });
    }
    for (sleeper& s : sleepers) {
      while (s.wakes.load() < 2) Peer::sleep_for(std::chrono::milliseconds(1));
    }
    const double before = all_wakes(sleepers);
    const nanos start = now(), cpu_start = process_cpu();
    Peer::sleep_for(std::chrono::nanoseconds(window));
    const auto cpu = static_cast<double>(process_cpu() - cpu_start);
    const auto took = static_cast<double>(now() - start);
    const double wakes = all_wakes(sleepers) - before;
    const histogram late = lateness(sleepers);
    over.store(true);
    for (auto& t : all) t.join();
    r.time = cpu / wakes;
    r.beside = {{"p50_ns", late.quantile(0.5)},
                {"p99_ns", late.quantile(0.99)},
                {"wakes_per_second", wakes / took * 1e9},
                {"cpus", cpu / took}};
  });
  return r;
}

template <class Peer>
void sleepers(const std::string& peer, int threads) {
  figure("sleepers_" + std::to_string(threads) + "/" + peer,
         [threads] { return sleep_test<Peer>(threads); });
}

}  // namespace

void sleep_figures() {
  sleepers<conc_peer<1>>("conc", 1000);
  sleepers<conc_peer<2>>("conc, 2 processors", 1000);
  each_user_level_peer([]<class Peer>(const std::string& peer) { sleepers<Peer>(peer, 1000); });
  sleepers<std_anywhere>("std::thread, all CPUs", 1000);

  sleepers<conc_peer<1>>("conc", 100'000);
  sleepers<conc_peer<2>>("conc, 2 processors", 100'000);
  sleepers<boost_peer>("Boost.Fiber", 100'000);
#ifdef BENCH_HAVE_STATE_THREADS
  sleepers<state_threads_peer>("State Threads", 100'000);
#endif
}

}  // namespace bench
