// Kernel threads with other objects than std's: ours, Abseil's, nsync's.
#ifndef CONC_BENCH_SUPPORT_KERNEL_PEERS_H
#define CONC_BENCH_SUPPORT_KERNEL_PEERS_H

#include <mutex>

#include "support/peer_locks.h"
#include "support/peers.h"

namespace bench {

// Where is std_one_cpu, std_across_cpus or std_anywhere.
template <class Where>
struct conc_objects : Where {
  using mutex = conc::mutex;
  using condition_variable = conc::condition_variable;
  using semaphore = conc::binary_semaphore;
};

template <class Where>
struct absl_objects : Where {
  using mutex = absl_mutex;
  class condition_variable {
   public:
    template <class Predicate>
    void wait(std::unique_lock<mutex>& lock, Predicate holds) {
      while (!holds()) condition_.Wait(&lock.mutex()->native());
    }
    void notify_one() { condition_.Signal(); }
    void notify_all() { condition_.SignalAll(); }

   private:
    absl::CondVar condition_;
  };
};

#ifdef BENCH_HAVE_NSYNC
template <class Where>
struct nsync_objects : Where {
  using mutex = nsync_mutex;
  class condition_variable {
   public:
    condition_variable() { nsync::nsync_cv_init(&condition_); }
    template <class Predicate>
    void wait(std::unique_lock<mutex>& lock, Predicate holds) {
      while (!holds()) nsync::nsync_cv_wait(&condition_, lock.mutex()->native());
    }
    void notify_one() { nsync::nsync_cv_signal(&condition_); }
    void notify_all() { nsync::nsync_cv_broadcast(&condition_); }

   private:
    nsync::nsync_cv condition_;
  };
};
#endif

// How: ", one CPU" and the like.
template <class Where, class Visit>
void each_kernel_peer(const std::string& how, Visit visit) {
  visit.template operator()<conc_objects<Where>>("conc, kernel threads" + how);
  visit.template operator()<Where>("std::thread" + how);
  visit.template operator()<absl_objects<Where>>("absl" + how);
#ifdef BENCH_HAVE_NSYNC
  visit.template operator()<nsync_objects<Where>>("nsync" + how);
#endif
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_KERNEL_PEERS_H
