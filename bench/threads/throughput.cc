// How much gets done: 64 threads that work for a microsecond and yield, again and again.
//
//   throughput            nanoseconds for one such piece, all CPUs together
#include <atomic>
#include <vector>

#include "support/peers.h"
#include "support/per_operation.h"
#include "support/work.h"
#include "threads/figures.h"

namespace bench {
namespace {

template <class Peer>
nanos work_and_yield(std::int64_t n) {
  constexpr int threads = 64;
  const std::int64_t rounds = std::max<std::int64_t>(1, n / threads), piece = steps_for(1000);
  nanos took = 0;
  Peer::run([&] {
    std::vector<typename Peer::thread> all;
    const nanos start = now();
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        chain own;
        for (std::int64_t round = 0; round < rounds; ++round) {
          own.work(piece);
          Peer::yield();
        }
      });
    }
    for (auto& t : all) t.join();
    took = now() - start;
  });
  return took * n / (rounds * threads);
}

template <class Peer>
void throughput(const std::string& peer) {
  per_operation("throughput/" + peer, work_and_yield<Peer>, 10'000);
}

}  // namespace

void throughput_figures() {
  throughput<conc_peer<1>>("conc");
  throughput<conc_peer<2>>("conc, 2 processors");
  throughput<conc_peer<2, true>>("conc, 2 processors, pinned");
  throughput<conc_peer<4>>("conc, 4 processors");
  throughput<conc_peer<8>>("conc, 8 processors");
  throughput<std_anywhere>("std::thread, all CPUs");
}

}  // namespace bench
