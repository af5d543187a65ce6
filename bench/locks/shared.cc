// Kernel threads that read and write under one lock: nanoseconds for an acquisition.
//
//   shared, READS %, INSIDE/OUTSIDE ns, N threads/LOCK
#include <cstdio>
#include <cstdlib>
#include <shared_mutex>
#include <string>

#include "locks/figures.h"
#include "support/contention.h"
#include "support/peer_locks.h"
#include "support/per_operation.h"
#ifdef BENCH_HAVE_CK
#include <ck_rwlock.h>
#endif
#ifdef BENCH_HAVE_TBB
#include <oneapi/tbb/rw_mutex.h>
#include <oneapi/tbb/spin_rw_mutex.h>
#endif

namespace bench {
namespace {

#ifdef BENCH_HAVE_CK
class ck_shared {
 public:
  ck_shared() { ck_rwlock_init(&lock_); }
  ck_shared(const ck_shared&) = delete;
  ck_shared& operator=(const ck_shared&) = delete;
  void lock() { ck_rwlock_write_lock(&lock_); }
  bool try_lock() { return ck_rwlock_write_trylock(&lock_); }
  void unlock() { ck_rwlock_write_unlock(&lock_); }
  void lock_shared() { ck_rwlock_read_lock(&lock_); }
  bool try_lock_shared() { return ck_rwlock_read_trylock(&lock_); }
  void unlock_shared() { ck_rwlock_read_unlock(&lock_); }

 private:
  ck_rwlock_t lock_;
};
#endif

template <class Visit>
void each_shared_lock(Visit visit) {
  visit("conc::shared_mutex", [] { return conc::shared_mutex(); });
  visit("std::shared_mutex", [] { return std::shared_mutex(); });
  visit("absl::Mutex", [] { return absl_mutex(); });
#ifdef BENCH_HAVE_NSYNC
  visit("nsync", [] { return nsync_mutex(); });
#endif
#ifdef BENCH_HAVE_TBB
  visit("TBB rw_mutex", [] { return tbb::rw_mutex(); });
  visit("TBB spin_rw_mutex", [] { return tbb::spin_rw_mutex(); });
#endif
#ifdef BENCH_HAVE_CK
  visit("CK rwlock", [] { return ck_shared(); });
#endif
}

template <class Make>
void cell(const std::string& lock, Make make, const contest& c) {
  char name[160];
  std::snprintf(name, sizeof name, "shared, %d %%, %.0f/%.0f ns, %d threads/%s", c.reads, c.inside,
                c.outside, c.threads, lock.c_str());
  figure(name, [=] {
    const outcome o = compete_for(kernel_crew{}, make, c);
    if (!o.exclusive) {
      std::fprintf(stderr, "%s does not exclude\n", lock.c_str());
      std::abort();
    }
    return reading_of(o);
  });
}

}  // namespace

void shared_figures() {
  each_shared_lock([](const std::string& lock, auto make) {
    for (int reads : {50, 75, 90, 99, 100}) {
      for (double work : {50, 500}) {
        for (int threads : {1, 2, 8}) {
          cell(lock, make, {.threads = threads, .inside = work, .outside = work, .reads = reads});
        }
      }
    }
  });
}

}  // namespace bench
