// Threads of both kinds at the same work, until they are told to stop.
#ifndef CONC_EXAMPLES_CREW_H
#define CONC_EXAMPLES_CREW_H

#include <conc/thread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

namespace examples {

// Set when the time is up. Whoever loops until then must block or yield now and then: user-level
// threads share a processor by leave of each other.
using stop_flag = std::atomic<bool>;

// Runs work(0), work(1) … work(count - 1), each on a thread of its own: the first `kernel` of them
// on kernel threads, the others on user-level threads. They all meet in the same locks.
class crew {
 public:
  template <class Work>
  crew(unsigned count, unsigned kernel, Work work) {
    kernel = std::min(kernel, count);
    for (unsigned i = 0; i < kernel; ++i) kernel_threads_.emplace_back(work, i);
    for (unsigned i = kernel; i < count; ++i) user_threads_.emplace_back(work, i);
  }
  void join() {
    for (std::thread& t : kernel_threads_) t.join();
    for (conc::thread& t : user_threads_) t.join();
  }

 private:
  std::vector<std::thread> kernel_threads_;
  std::vector<conc::thread> user_threads_;
};

// Passes some time without doing anything: between nothing and a few turns of the others. Chance
// keeps the threads from dancing in step for ever.
class pause_maker {
 public:
  explicit pause_maker(unsigned seed) : random_(seed + 1) {}

  void pause(unsigned at_most) {
    for (auto n = random_() % (at_most + 1); n > 0; --n) conc::this_thread::yield();
  }

 private:
  std::minstd_rand random_;
};

using clock = std::chrono::steady_clock;

inline double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

inline void sleep_until(clock::time_point start, double seconds) {
  conc::this_thread::sleep_until(start + std::chrono::duration<double>(seconds));
}

}  // namespace examples

#endif  // CONC_EXAMPLES_CREW_H
