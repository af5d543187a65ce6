// What locks cost: uncontended, and with kernel threads that compete for one.
//
//   uncontended/LOCK                                   lock and unlock, by a kernel thread
//   uncontended in a thread/LOCK                       the same in a user-level thread
//   contended, INSIDE/OUTSIDE ns, THREADS threads/LOCK the whole machine's time per acquisition
//
// INSIDE is the work in the critical section, OUTSIDE the mean of the work between two of them.
#include "support/locks.h"

#include <cstdio>
#include <cstdlib>

#include "support/contention.h"
#include "support/peers.h"
#include "support/per_operation.h"

namespace bench {
namespace {

// Alone in a process, glibc's mutex leaves out its atomic instructions, which no program with
// threads sees. So there is always a second kernel thread.
void keep_a_second_thread() {
  std::thread([] {
    for (;;) pause();
  }).detach();
}

template <class Lock>
nanos lock_and_unlock(Lock& lock, std::int64_t n) {
  const nanos start = now();
  for (std::int64_t i = 0; i < n; ++i) {
    lock.lock();
    lock.unlock();
  }
  return now() - start;
}

template <class Peer, class Make>
void uncontended(const std::string& name, Make make) {
  per_operation(
      name,
      [make](std::int64_t n) {
        nanos took = 0;
        Peer::run([&] {
          auto lock = make();
          took = lock_and_unlock(lock, n);
        });
        return took;
      },
      1 << 10);
}

// Calls what it is given in the calling kernel thread.
struct in_place {
  template <class F>
  static void run(F f) {
    f();
  }
};

template <class Make>
void contended(const std::string& lock, Make make) {
  for (double inside : {0, 50, 500}) {
    for (double outside : {0, 500}) {
      for (int threads : {1, 2, 4, 8}) {
        char name[160];
        std::snprintf(name, sizeof name, "contended, %.0f/%.0f ns, %d threads/%s", inside, outside,
                      threads, lock.c_str());
        per_operation(
            name,
            [=](std::int64_t n) {
              const contest c{.threads = threads, .inside = inside, .outside = outside};
              const outcome o = compete_for(kernel_crew{}, make, c);
              if (!o.exclusive) {
                std::fprintf(stderr, "%s does not exclude\n", lock.c_str());
                std::abort();
              }
              return static_cast<nanos>(o.seconds * 1e9 * static_cast<double>(n) /
                                        std::max(1.0, o.acquisitions));
            },
            100'000'000);
      }
    }
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  keep_a_second_thread();
  auto on_a_kernel_thread = [](const std::string& name, auto make) {
    uncontended<in_place>("uncontended/" + name, make);
  };
  each_lock_of_ours(on_a_kernel_thread);
  each_lock_of_others(on_a_kernel_thread);
  uncontended<conc_peer<1>>("uncontended in a thread/conc::mutex", [] { return conc::mutex(); });
  uncontended<boost_peer>("uncontended in a thread/Boost.Fiber mutex",
                          [] { return boost::fibers::mutex(); });

  auto with_contention = [](const std::string& name, auto make) { contended(name, make); };
  each_lock_of_ours(with_contention);
  each_lock_of_others(with_contention);
  return run_interleaved(argc, argv, "5");
}
