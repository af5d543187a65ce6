// Kernel threads that compete for one lock: the whole machine's nanoseconds for an acquisition.
//
//   contended, INSIDE/OUTSIDE ns, N threads/LOCK
//
// INSIDE is the work in the critical section, OUTSIDE the mean of the work between two of them.
// Beside it: CPU time for an acquisition, Jain's index of the threads' shares, and how long was
// waited (p50, p99, p99.9, most).
#include <cstdio>
#include <cstdlib>
#include <string>

#include "locks/figures.h"
#include "support/contention.h"
#include "support/locks.h"
#include "support/peer_locks.h"
#include "support/per_operation.h"

namespace bench {
namespace {

template <class Make>
void cell(const std::string& lock, Make make, const contest& c) {
  char name[160];
  std::snprintf(name, sizeof name, "contended, %.0f/%.0f ns, %d threads/%s", c.inside, c.outside,
                c.threads, lock.c_str());
  figure(name, [=] {
    const outcome o = compete_for(kernel_crew{}, make, c);
    if (!o.exclusive) {
      std::fprintf(stderr, "%s does not exclude\n", lock.c_str());
      std::abort();
    }
    return reading_of(o);
  });
}

// Locks that go from one waiter to the next in line, whether that one runs or not, and whose
// waiters do not give way: with many more threads than CPUs a single acquisition takes seconds.
bool collapses(const std::string& lock) {
  return lock == "CK ticket" || lock == "CK mcs" || lock == "CK clh";
}

}  // namespace

void contended_figures() {
  auto all_cells = [](const std::string& lock, auto make) {
    for (double inside : {0, 50, 500, 2000}) {
      for (double outside : {0, 500, 5000}) {
        for (int threads : {1, 2, 4, 8, 32, 128}) {
          if (threads > 8 && collapses(lock)) continue;
          cell(lock, make, {.threads = threads, .inside = inside, .outside = outside});
        }
      }
    }
  };
  each_lock_of_ours(all_cells);
  each_lock_of_others(all_cells);
}

}  // namespace bench
