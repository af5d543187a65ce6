// A thread that does nothing, made and joined: nanoseconds a thread.
//
//   spawn_join_1          one at a time
//   spawn_join_100        in batches of a hundred
//   spawn_1000000         a million at once, all of them alive before the first is joined; memory
//                         included, so the first sample of a process pays for the stacks' pages
#include <vector>

#include "support/memory.h"
#include "support/peers.h"
#include "support/per_operation.h"
#include "threads/figures.h"

namespace bench {
namespace {

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

template <class Peer>
void at_a_time(const std::string& peer) {
  per_operation("spawn_join_1/" + peer, [](std::int64_t n) { return spawn_and_join<Peer>(n, 1); });
  per_operation(
      "spawn_join_100/" + peer, [](std::int64_t n) { return spawn_and_join<Peer>(n, 100); }, 100);
}

template <class Peer>
void all_at_once(const std::string& peer) {
  figure("spawn_1000000/" + peer, [] {
    constexpr int all = 1'000'000;
    Peer::run([] {});  // starts the processors
    const spent from_here;
    reading r{.time = static_cast<double>(spawn_and_join<Peer>(all, all)) / all};
    from_here.each_of(all, r);
    r.beside["peak_bytes"] = static_cast<double>(memory_use().peak);
    return r;
  });
}

}  // namespace

void spawn_figures() {
  each_peer_on_one_processor([]<class Peer>(const std::string& peer) { at_a_time<Peer>(peer); });
  at_a_time<conc_peer<2>>("conc, 2 processors");
  at_a_time<conc_peer<2, true>>("conc, 2 processors, pinned");
  // The others keep a stack for each of the million, or a mapping, which the kernel limits.
  all_at_once<conc_peer<1>>("conc");
  all_at_once<conc_peer<2>>("conc, 2 processors");
}

}  // namespace bench
