// Threads of several makes behind one small interface, so that each figure is written once.
//
// A peer has thread, mutex, condition_variable; yield() and sleep_for(); and run(f), which calls f
// in such a thread with room for others beside it and returns when it has ended. settle(i) is
// called first thing in the i-th thread of a measurement.
//
// Visitors are called as visit.template operator()<Peer>(name).
#ifndef CONC_BENCH_SUPPORT_PEERS_H
#define CONC_BENCH_SUPPORT_PEERS_H

#include <boost/fiber/all.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <semaphore>
#include <thread>
#include <utility>

#include "conc/conc.h"
#include "support/cpus.h"
#ifdef BENCH_HAVE_STATE_THREADS
#include "support/peer_state_threads.h"
#endif
#ifdef BENCH_HAVE_PTH
#include "support/peer_pth.h"
#endif

namespace bench {

// Runtimes are kept: starting one is not what is measured, and idle ones sleep in the kernel.
template <unsigned Processors, bool Pinned>
conc::runtime& runtime_of() {
  static conc::runtime& kept =
      *new conc::runtime({.processors = Processors, .pin_carriers = Pinned});
  return kept;
}

template <unsigned Processors, bool Pinned = false>
struct conc_peer {
  using thread = conc::thread;
  using mutex = conc::mutex;
  using condition_variable = conc::condition_variable;
  using semaphore = conc::binary_semaphore;
  static void yield() { conc::this_thread::yield(); }
  static void sleep_for(std::chrono::nanoseconds time) { conc::this_thread::sleep_for(time); }
  static void settle(unsigned) {}
  template <class F>
  static void run(F f) {
    runtime_of<Processors, Pinned>().run(f);
  }
};

// Boost.Fiber's default scheduler: round robin, on the calling kernel thread alone.
struct boost_peer {
  using thread = boost::fibers::fiber;
  using mutex = boost::fibers::mutex;
  using condition_variable = boost::fibers::condition_variable;
  static void yield() { boost::this_fiber::yield(); }
  static void sleep_for(std::chrono::nanoseconds time) { boost::this_fiber::sleep_for(time); }
  static void settle(unsigned) {}
  template <class F>
  static void run(F f) {
    f();
  }
};

struct std_peer {
  using thread = std::thread;
  using mutex = std::mutex;
  using condition_variable = std::condition_variable;
  using semaphore = std::binary_semaphore;
  static void yield() { std::this_thread::yield(); }
  static void sleep_for(std::chrono::nanoseconds time) { std::this_thread::sleep_for(time); }
};

struct std_one_cpu : std_peer {
  static void settle(unsigned) {}
  template <class F>
  static void run(F f) {
    std::thread([&f] {
      bind_to(allowed_cpus().front());
      f();
    }).join();
  }
};

struct std_across_cpus : std_peer {
  static void settle(unsigned i) {
    static const std::vector<int> cpus = allowed_cpus();
    bind_to(cpus[i % cpus.size()]);
  }
  template <class F>
  static void run(F f) {
    std::thread(std::move(f)).join();  // a thread of its own: settle() must not bind main
  }
};

// Wherever the kernel puts them.
struct std_anywhere : std_peer {
  static void settle(unsigned) {}
  template <class F>
  static void run(F f) {
    f();
  }
};

// User-level threads of others, which run on one kernel thread.
template <class Visit>
void each_user_level_peer(Visit visit) {
  visit.template operator()<boost_peer>("Boost.Fiber");
#ifdef BENCH_HAVE_STATE_THREADS
  visit.template operator()<state_threads_peer>("State Threads");
#endif
#ifdef BENCH_HAVE_PTH
  visit.template operator()<pth_peer>("GNU Pth");
#endif
}

// All that fit on one processor.
template <class Visit>
void each_peer_on_one_processor(Visit visit) {
  visit.template operator()<conc_peer<1>>("conc");
  each_user_level_peer(visit);
  visit.template operator()<std_one_cpu>("std::thread, one CPU");
}

template <class Visit>
void each_peer_on_two_processors(Visit visit) {
  visit.template operator()<conc_peer<2>>("conc, 2 processors");
  visit.template operator()<std_anywhere>("std::thread, all CPUs");
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_PEERS_H
