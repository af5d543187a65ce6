// Threads that compete for one lock: the one harness behind every contended figure.
//
// Each thread repeats: lock, work inside, unlock, work outside. The work outside varies at random
// between nothing and twice its mean, so that threads do not fall into step. What is counted lies
// in a window of fixed length that opens only when all threads run, a tenth of its length after
// their common start; so a thread that is created late, or starves, shows up as what it is.
//
// Only an acquisition that fails its first try_lock() is timed, so uncontended ones do not pay for
// a look at the clock.
#ifndef CONC_BENCH_SUPPORT_CONTENTION_H
#define CONC_BENCH_SUPPORT_CONTENTION_H

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "support/cpus.h"
#include "support/samples.h"
#include "support/work.h"

namespace bench {

struct contest {
  int threads = 2;
  double inside = 0, outside = 0;  // nanoseconds of work
  nanos window = 25'000'000;
  bool keep_waits = false;
};

struct outcome {
  double acquisitions = 0, seconds = 0;
  double cpu_per_acquisition = 0;  // nanoseconds, work included, all of the process
  double longest_wait = 0;         // nanoseconds
  double contended = 0;            // share of the acquisitions that had to wait
  double jain = 1;                 // of the threads' shares of the acquisitions
  std::vector<nanos> waits;        // of the contended acquisitions, if kept
  bool exclusive = true;           // whether the lock did what a lock is for
};

// Kernel threads compete ...
//
// The kernel may take longer than a whole window to move one of two new threads to an idle CPU. So
// they are dealt out over the CPUs for the start; from then on they run where the kernel likes.
struct kernel_crew {
  template <class F>
  std::thread start(F f) const {
    return std::thread(std::move(f));
  }
  template <class Over>
  static void gather(std::size_t i, Over over) {
    const kept_affinity given_back_after;
    static const std::vector<int> cpus = allowed_cpus();
    bind_to(cpus[i % cpus.size()]);
    while (!over()) std::this_thread::yield();
  }
  static void between_rounds() {}
};

// ... or user-level threads of one runtime. Nothing preempts those in this version: a program whose
// threads never wait has to yield, and so they do, once a round.
struct user_crew {
  conc::runtime* on;
  template <class F>
  conc::thread start(F f) const {
    return on->spawn(std::move(f));
  }
  template <class Over>
  static void gather(std::size_t, Over over) {
    while (!over()) conc::this_thread::yield();
  }
  static void between_rounds() { conc::this_thread::yield(); }
};

namespace internal {

enum stage : int { gathering, running, counting, over };

// One thread's record, written by it alone and read by the referee, on lines of its own.
struct alignas(128) record {
  std::atomic<std::uint64_t> acquired{0}, contended{0};
  nanos longest = 0;
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

template <class Crew, class Lock>
void compete(arena<Lock>& a, record& mine, const contest& c, std::size_t i) {
  const std::int64_t inside = steps_for(c.inside), outside = steps_for(c.outside);
  random_steps lengths(i + 1);
  a.ready.fetch_add(1);
  Crew::gather(i, [&] { return a.now_at.load() != gathering; });
  while (a.now_at.load(std::memory_order_relaxed) != over) {
    if (!a.lock.try_lock()) {
      const nanos start = now();
      a.lock.lock();
      const nanos waited = now() - start;
      add_one(mine.contended);
      if (a.now_at.load(std::memory_order_relaxed) >= counting) {
        mine.longest = std::max(mine.longest, waited);
        if (c.keep_waits && mine.waits.size() < mine.waits.capacity()) mine.waits.push_back(waited);
      }
    }
    a.guarded = a.guarded + 1;
    work_steps(inside);
    a.lock.unlock();
    add_one(mine.acquired);
    if (outside != 0) work_steps(lengths.around(outside));
    Crew::between_rounds();
  }
}

inline std::vector<double> read(const std::vector<record>& records) {
  std::vector<double> shares;
  for (const record& r : records) {
    shares.push_back(static_cast<double>(r.acquired.load(std::memory_order_relaxed)));
  }
  return shares;
}

inline double sum(const std::vector<double>& v) {
  double total = 0;
  for (double x : v) total += x;
  return total;
}

inline void sleep(nanos time) { std::this_thread::sleep_for(std::chrono::nanoseconds(time)); }

}  // namespace internal

// `make()` makes the lock. Called from a kernel thread.
template <class Crew, class Make>
outcome compete_for(const Crew& crew, Make make, const contest& c) {
  using namespace internal;
  using lock_type = decltype(make());
  steps_per_nano();  // measured before anybody competes for the CPU
  auto a = std::make_unique<arena<lock_type>>(make);
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
  const std::vector<double> before = read(records);
  const nanos start = now(), cpu_start = process_cpu();
  sleep(c.window);
  std::vector<double> shares = read(records);
  const nanos took = now() - start, cpu = process_cpu() - cpu_start;
  a->now_at.store(over);
  for (auto& t : threads) t.join();

  outcome result;
  for (std::size_t i = 0; i < shares.size(); ++i) shares[i] -= before[i];
  result.acquisitions = sum(shares);
  result.seconds = static_cast<double>(took) * 1e-9;
  result.cpu_per_acquisition = static_cast<double>(cpu) / std::max(1.0, result.acquisitions);
  result.jain = jain(shares);
  double contended = 0;
  for (record& r : records) {
    contended += static_cast<double>(r.contended.load());
    result.longest_wait = std::max(result.longest_wait, static_cast<double>(r.longest));
    result.waits.insert(result.waits.end(), r.waits.begin(), r.waits.end());
  }
  const double all = sum(read(records));
  result.contended = contended / std::max(1.0, all);
  result.exclusive = static_cast<double>(a->guarded) == all;
  return result;
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_CONTENTION_H
