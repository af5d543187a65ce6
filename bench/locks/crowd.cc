// User-level threads on one mutex, 50 ns inside, each yielding after every sixteenth time:
// nanoseconds for an acquisition.
//
//   crowd_8, crowd_1000
#include <atomic>
#include <mutex>
#include <vector>

#include "locks/figures.h"
#include "support/peers.h"
#include "support/per_operation.h"
#include "support/work.h"

namespace bench {
namespace {

template <class Peer>
nanos crowd(std::int64_t n, int threads) {
  const std::int64_t rounds = std::max<std::int64_t>(1, n / threads), inside = steps_for(50);
  nanos took = 0;
  Peer::run([&] {
    typename Peer::mutex m;
    std::vector<typename Peer::thread> all;
    all.reserve(static_cast<std::size_t>(threads));
    const nanos start = now();
    for (int t = 0; t < threads; ++t) {
      all.emplace_back([&] {
        chain own;
        for (std::int64_t i = 1; i <= rounds; ++i) {
          m.lock();
          own.work(inside);
          m.unlock();
          if (i % 16 == 0) Peer::yield();
        }
      });
    }
    for (auto& t : all) t.join();
    took = now() - start;
  });
  return took * n / (rounds * threads);
}

template <class Peer>
void crowds(const std::string& peer) {
  per_operation(
      "crowd_8/" + peer, [](std::int64_t n) { return crowd<Peer>(n, 8); }, 10'000);
  // Enough rounds that making a thousand threads does not count.
  per_operation(
      "crowd_1000/" + peer, [](std::int64_t n) { return crowd<Peer>(n, 1000); }, 500'000);
}

}  // namespace

void crowd_figures() {
  crowds<conc_peer<1>>("conc");
  crowds<conc_peer<2>>("conc, 2 processors");
  each_user_level_peer([]<class Peer>(const std::string& peer) { crowds<Peer>(peer); });
  crowds<std_anywhere>("std::thread, all CPUs");
}

}  // namespace bench
