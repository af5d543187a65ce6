// A hundred threads wait for one condition variable; notify_all() wakes them, and the last that has
// come wakes the one that called it: nanoseconds for each of the hundred.
//
//   broadcast_100
#include <vector>

#include "locks/figures.h"
#include "support/kernel_peers.h"
#include "support/per_operation.h"

namespace bench {
namespace {

template <class Peer>
nanos broadcast(std::int64_t n) {
  constexpr int waiters = 100;
  const std::int64_t rounds = std::max<std::int64_t>(1, n / waiters);
  nanos took = 0;
  Peer::run([&] {
    typename Peer::mutex m;
    typename Peer::condition_variable changed, seen;
    std::int64_t generation = 0;
    int acknowledged = 0;
    std::vector<typename Peer::thread> all;
    for (int w = 0; w < waiters; ++w) {
      all.emplace_back([&] {
        std::unique_lock lock(m);
        for (std::int64_t g = 1; g <= rounds; ++g) {
          changed.wait(lock, [&] { return generation >= g; });
          if (++acknowledged == waiters) seen.notify_one();
        }
      });
    }
    {
      std::unique_lock lock(m);
      const nanos start = now();
      for (std::int64_t g = 1; g <= rounds; ++g) {
        acknowledged = 0;
        generation = g;
        changed.notify_all();
        seen.wait(lock, [&] { return acknowledged == waiters; });
      }
      took = now() - start;
    }
    for (auto& t : all) t.join();
  });
  return took * n / (rounds * waiters);
}

}  // namespace

void broadcast_figures() {
  auto add = []<class Peer>(const std::string& peer) {
    per_operation("broadcast_100/" + peer, broadcast<Peer>, 1000);
  };
  add.operator()<conc_peer<1>>("conc");
  add.operator()<conc_peer<2>>("conc, 2 processors");
  each_user_level_peer(add);
  each_kernel_peer<std_anywhere>(", all CPUs", add);
}

}  // namespace bench
