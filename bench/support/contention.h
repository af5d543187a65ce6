// Threads that compete for one lock: the one harness behind every contended figure.
//
// Each thread repeats: lock, work inside, unlock, work outside. The work outside varies at random
// between nothing and twice its mean, so that threads do not fall into step. What is counted lies
// in a window of fixed length that opens only when all threads run, a tenth of its length after
// their common start; so a thread that is created late, or starves, shows up as what it is.
//
// Only an acquisition that fails its first try_lock() is timed, so uncontended ones do not pay for
// a look at the clock. Where a lock has no try_lock() all are timed, unless there is one thread
// only.
#ifndef CONC_BENCH_SUPPORT_CONTENTION_H
#define CONC_BENCH_SUPPORT_CONTENTION_H

#include <atomic>
#include <memory>
#include <vector>

#include "support/contest.h"
#include "support/crew.h"
#include "support/samples.h"
#include "support/work.h"

namespace bench {
namespace internal {

enum stage : int { gathering, running, counting, over };

// One thread's record, written by it alone and read by the referee, on lines of its own.
struct alignas(128) record {
  std::atomic<std::uint64_t> acquired{0}, contended{0}, written{0};
  nanos longest = 0;
  histogram wait_times;
  std::vector<nanos> waits;
};

inline void add_one(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

template <class Lock>
struct arena {
  template <class Make>
  explicit arena(Make& make) : lock(make()) {}

  alignas(128) Lock lock;
  alignas(128) std::atomic<int> now_at{gathering};
  std::atomic<int> ready{0};
  alignas(128) std::uint64_t guarded = 0;  // plain: a lock that does not exclude loses counts
};

// Calls lock(), which waits, and records for how long.
template <class Lock, class Acquire>
void wait_for(arena<Lock>& a, record& mine, const contest& c, Acquire acquire) {
  const nanos start = now();
  acquire();
  const nanos waited = now() - start;
  add_one(mine.contended);
  if (a.now_at.load(std::memory_order_relaxed) < counting) return;
  mine.longest = std::max(mine.longest, waited);
  mine.wait_times.add(waited);
  if (c.keep_waits && mine.waits.size() < mine.waits.capacity()) mine.waits.push_back(waited);
}

template <class Lock>
void acquire(arena<Lock>& a, record& mine, const contest& c) {
  if constexpr (requires { a.lock.try_lock(); }) {
    if (!a.lock.try_lock()) wait_for(a, mine, c, [&] { a.lock.lock(); });
  } else if (c.threads > 1) {
    wait_for(a, mine, c, [&] { a.lock.lock(); });
  } else {
    a.lock.lock();
  }
}

template <class Lock>
void acquire_shared(arena<Lock>& a, record& mine, const contest& c) {
  if (!a.lock.try_lock_shared()) wait_for(a, mine, c, [&] { a.lock.lock_shared(); });
}

template <class Crew, class Lock>
void compete(arena<Lock>& a, record& mine, const contest& c, std::size_t i) {
  const std::int64_t inside = steps_for(c.inside), outside = steps_for(c.outside);
  random_steps lengths(i + 1);
  chain own;
  a.ready.fetch_add(1);
  Crew::gather(i, [&] { return a.now_at.load() != gathering; });
  while (a.now_at.load(std::memory_order_relaxed) != over) {
    bool reads = false;
    if constexpr (requires { a.lock.try_lock_shared(); }) {
      reads = c.reads != 0 && lengths.below(100) < c.reads;
      if (reads) {
        acquire_shared(a, mine, c);
        own.work(inside);
        a.lock.unlock_shared();
      }
    }
    if (!reads) {
      acquire(a, mine, c);
      a.guarded = a.guarded + 1;
      own.work(inside);
      a.lock.unlock();
      add_one(mine.written);
    }
    add_one(mine.acquired);
    if (outside != 0) own.work(lengths.around(outside));
    Crew::between_rounds();
  }
}

inline std::vector<double> read(const std::vector<record>& records,
                                std::atomic<std::uint64_t> record::*counter) {
  std::vector<double> counts;
  for (const record& r : records) {
    counts.push_back(static_cast<double>((r.*counter).load(std::memory_order_relaxed)));
  }
  return counts;
}

inline void sleep(nanos time) { std::this_thread::sleep_for(std::chrono::nanoseconds(time)); }

inline outcome result(std::vector<record>& records) {
  outcome o;
  for (record& r : records) {
    o.longest_wait = std::max(o.longest_wait, static_cast<double>(r.longest));
    o.wait_times.add(r.wait_times);
    o.waits.insert(o.waits.end(), r.waits.begin(), r.waits.end());
  }
  o.contended =
      sum(read(records, &record::contended)) / std::max(1.0, sum(read(records, &record::acquired)));
  return o;
}

}  // namespace internal

// `make()` makes the lock. Called from a kernel thread.
template <class Crew, class Make>
outcome compete_for(const Crew& crew, Make make, const contest& c) {
  using namespace internal;
  steps_per_nano();  // measured before anybody competes for the CPU
  auto a = std::make_unique<arena<decltype(make())>>(make);
  std::vector<record> records(static_cast<std::size_t>(c.threads));
  std::vector<decltype(crew.start([] {}))> threads;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (c.keep_waits) records[i].waits.reserve(200'000);
    threads.push_back(crew.start([&, i] { compete<Crew>(*a, records[i], c, i); }));
  }
  while (a->ready.load() != c.threads) sleep(50'000);

  a->now_at.store(running);
  sleep(c.window / 10);
  a->now_at.store(counting);
  const std::vector<double> before = read(records, &record::acquired);
  const nanos start = now();
  const spent from_here;
  sleep(c.window);
  std::vector<double> shares = read(records, &record::acquired);
  const nanos took = now() - start;
  for (std::size_t i = 0; i < shares.size(); ++i) shares[i] -= before[i];
  reading costs;
  from_here.each_of(sum(shares), costs);
  a->now_at.store(over);
  for (auto& t : threads) t.join();

  outcome o = result(records);
  o.acquisitions = sum(shares);
  o.seconds = static_cast<double>(took) * 1e-9;
  o.cpu_per_acquisition = costs.beside["cpu_ns"];
  if (counts_futex_calls()) o.futex_calls = costs.beside["futex_calls"];
  o.jain = jain(shares);
  o.exclusive = static_cast<double>(a->guarded) == sum(read(records, &record::written));
  return o;
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_CONTENTION_H
