// The locks of others that ours are compared with, each behind lock(), try_lock() where it has one,
// and unlock(). Visitors as in locks.h.
#ifndef CONC_BENCH_SUPPORT_PEER_LOCKS_H
#define CONC_BENCH_SUPPORT_PEER_LOCKS_H

#include <absl/synchronization/mutex.h>
#include <pthread.h>

#include <boost/fiber/mutex.hpp>
#include <mutex>
#ifdef BENCH_HAVE_NSYNC
#include <nsync.h>
#endif
#ifdef BENCH_HAVE_TBB
#include <oneapi/tbb/mutex.h>
#include <oneapi/tbb/queuing_mutex.h>
#include <oneapi/tbb/spin_mutex.h>
#endif
#ifdef BENCH_HAVE_CK
#include "support/peer_locks_ck.h"
#endif

namespace bench {

class pthread_spin {
 public:
  pthread_spin() { pthread_spin_init(&lock_, PTHREAD_PROCESS_PRIVATE); }
  ~pthread_spin() { pthread_spin_destroy(&lock_); }
  pthread_spin(const pthread_spin&) = delete;
  pthread_spin& operator=(const pthread_spin&) = delete;
  void lock() { pthread_spin_lock(&lock_); }
  bool try_lock() { return pthread_spin_trylock(&lock_) == 0; }
  void unlock() { pthread_spin_unlock(&lock_); }

 private:
  pthread_spinlock_t lock_;
};

// glibc's mutex that spins before it sleeps.
class pthread_adaptive {
 public:
  pthread_adaptive() {
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&mutex_, &kind);
    pthread_mutexattr_destroy(&kind);
  }
  ~pthread_adaptive() { pthread_mutex_destroy(&mutex_); }
  pthread_adaptive(const pthread_adaptive&) = delete;
  pthread_adaptive& operator=(const pthread_adaptive&) = delete;
  void lock() { pthread_mutex_lock(&mutex_); }
  bool try_lock() { return pthread_mutex_trylock(&mutex_) == 0; }
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

class absl_mutex {
 public:
  absl::Mutex& native() { return mutex_; }
  void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Lock(); }
  bool try_lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { return mutex_.TryLock(); }
  void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Unlock(); }
  void lock_shared() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.ReaderLock(); }
  bool try_lock_shared() ABSL_NO_THREAD_SAFETY_ANALYSIS { return mutex_.ReaderTryLock(); }
  void unlock_shared() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.ReaderUnlock(); }

 private:
  absl::Mutex mutex_;
};

#ifdef BENCH_HAVE_NSYNC
class nsync_mutex {
 public:
  nsync_mutex() { nsync::nsync_mu_init(&mutex_); }
  nsync_mutex(const nsync_mutex&) = delete;
  nsync_mutex& operator=(const nsync_mutex&) = delete;
  void lock() { nsync::nsync_mu_lock(&mutex_); }
  bool try_lock() { return nsync::nsync_mu_trylock(&mutex_) != 0; }
  void unlock() { nsync::nsync_mu_unlock(&mutex_); }
  void lock_shared() { nsync::nsync_mu_rlock(&mutex_); }
  bool try_lock_shared() { return nsync::nsync_mu_rtrylock(&mutex_) != 0; }
  void unlock_shared() { nsync::nsync_mu_runlock(&mutex_); }
  nsync::nsync_mu* native() { return &mutex_; }

 private:
  nsync::nsync_mu mutex_;
};
#endif

#ifdef BENCH_HAVE_TBB
// A queue lock: each holder brings its place, which here belongs to the kernel thread.
class tbb_queuing {
 public:
  void lock() { mine().acquire(mutex_); }
  bool try_lock() { return mine().try_acquire(mutex_); }
  void unlock() { mine().release(); }

 private:
  static tbb::queuing_mutex::scoped_lock& mine() {
    static thread_local tbb::queuing_mutex::scoped_lock place;
    return place;
  }
  tbb::queuing_mutex mutex_;
};
#endif

template <class Visit>
void each_lock_of_others(Visit visit) {
  visit("std::mutex", [] { return std::mutex(); });
  visit("pthread spin", [] { return pthread_spin(); });
  visit("pthread adaptive", [] { return pthread_adaptive(); });
  visit("absl::Mutex", [] { return absl_mutex(); });
  visit("Boost.Fiber mutex", [] { return boost::fibers::mutex(); });
#ifdef BENCH_HAVE_NSYNC
  visit("nsync", [] { return nsync_mutex(); });
#endif
#ifdef BENCH_HAVE_TBB
  visit("TBB spin", [] { return tbb::spin_mutex(); });
  visit("TBB mutex", [] { return tbb::mutex(); });
  visit("TBB queuing", [] { return tbb_queuing(); });
#endif
#ifdef BENCH_HAVE_CK
  visit("CK fas", [] { return ck_fas(); });
  visit("CK cas", [] { return ck_cas(); });
  visit("CK ticket", [] { return ck_ticket(); });
  visit("CK mcs", [] { return ck_mcs(); });
  visit("CK clh", [] { return ck_clh(); });
#endif
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_PEER_LOCKS_H
