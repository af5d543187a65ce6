// Threads that wait for one condition variable: nanoseconds to make one and have it wait, and
// beside it the bytes that each takes, resident and in page tables.
//
//   parked_100000, parked_1000000
//
// Stacks are reused, so the bytes are right only in the first sample of a process.
#include <atomic>
#include <vector>

#include "support/memory.h"
#include "support/peers.h"
#include "support/per_operation.h"
#include "threads/figures.h"

namespace bench {
namespace {

template <class Peer>
reading park(int threads) {
  reading r;
  Peer::run([&] {
    typename Peer::mutex m;
    typename Peer::condition_variable changed;
    int waiting = 0;
    bool over = false;
    std::vector<typename Peer::thread> all;
    all.reserve(static_cast<std::size_t>(threads));
    const memory before = memory_use();
    const nanos start = now();
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        std::unique_lock lock(m);
        if (++waiting == threads) changed.notify_all();
        changed.wait(lock, [&] { return over; });
      });
    }
    std::unique_lock lock(m);
    // The first to wait is this thread, or there are others already: both are among the waiters.
    changed.wait(lock, [&] { return waiting == threads; });
    const nanos took = now() - start;
    const memory after = memory_use();
    over = true;
    changed.notify_all();
    lock.unlock();
    for (auto& t : all) t.join();
    r.time = static_cast<double>(took) / threads;
    r.beside["resident_bytes"] = static_cast<double>(after.resident - before.resident) / threads;
    r.beside["page_table_bytes"] =
        static_cast<double>(after.page_tables - before.page_tables) / threads;
    r.beside["total_bytes"] = r.beside["resident_bytes"] + r.beside["page_table_bytes"];
  });
  return r;
}

template <class Peer>
void parked(const std::string& peer, int threads) {
  figure("parked_" + std::to_string(threads) + "/" + peer,
         [threads] { return park<Peer>(threads); });
}

}  // namespace

void parked_figures() {
  parked<conc_peer<1>>("conc", 100'000);
  parked<boost_peer>("Boost.Fiber", 100'000);
#ifdef BENCH_HAVE_STATE_THREADS
  parked<state_threads_peer>("State Threads", 100'000);
#endif
  parked<conc_peer<1>>("conc", 1'000'000);
}

}  // namespace bench
