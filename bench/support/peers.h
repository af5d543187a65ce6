// Threads of four makes behind one small interface, so that each figure is written once.
//
// A peer has thread, mutex, condition_variable; yield(); and run(f), which calls f in such a thread
// with room for others beside it and returns when it has ended. settle(i) is called first thing in
// the i-th thread of a measurement.
#ifndef CONC_BENCH_SUPPORT_PEERS_H
#define CONC_BENCH_SUPPORT_PEERS_H

#include <boost/fiber/all.hpp>
#include <condition_variable>
#include <mutex>
#include <semaphore>
#include <thread>
#include <utility>

#include "conc/conc.h"
#include "support/cpus.h"

namespace bench {

// Runtimes are kept: starting one is not what is measured, and idle ones sleep in the kernel.
template <unsigned Processors>
conc::runtime& runtime_of() {
  static conc::runtime& kept = *new conc::runtime({.processors = Processors});
  return kept;
}

template <unsigned Processors>
struct conc_peer {
  using thread = conc::thread;
  using mutex = conc::mutex;
  using condition_variable = conc::condition_variable;
  using semaphore = conc::binary_semaphore;
  static void yield() { conc::this_thread::yield(); }
  static void settle(unsigned) {}
  template <class F>
  static void run(F f) {
    runtime_of<Processors>().run(f);
  }
};

// Boost.Fiber's default scheduler: round robin, on the calling kernel thread alone.
struct boost_peer {
  using thread = boost::fibers::fiber;
  using mutex = boost::fibers::mutex;
  using condition_variable = boost::fibers::condition_variable;
  static void yield() { boost::this_fiber::yield(); }
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

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_PEERS_H
