// The locks that are compared, ours and others', each behind lock(), try_lock() and unlock().
//
// A visitor is called as visit(name, make), where make() returns a new lock.
#ifndef CONC_BENCH_SUPPORT_LOCKS_H
#define CONC_BENCH_SUPPORT_LOCKS_H

#include <absl/synchronization/mutex.h>
#include <pthread.h>

#include <mutex>

#include "conc/conc.h"

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
  void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Lock(); }
  bool try_lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { return mutex_.TryLock(); }
  void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Unlock(); }

 private:
  absl::Mutex mutex_;
};

template <class Visit>
void each_spin_lock(Visit visit) {
  visit("tas_lock", [] { return conc::tas_lock(); });
  visit("ttas_lock", [] { return conc::ttas_lock(); });
  visit("cas_lock", [] { return conc::cas_lock(); });
  visit("ticket_lock", [] { return conc::ticket_lock(); });
}

template <class Visit>
void each_lock_of_ours(Visit visit) {
  each_spin_lock(visit);
  visit("two_phase_lock", [] { return conc::two_phase_lock(); });
  visit("conc::mutex", [] { return conc::mutex(); });
}

template <class Visit>
void each_lock_of_others(Visit visit) {
  visit("std::mutex", [] { return std::mutex(); });
  visit("pthread spin", [] { return pthread_spin(); });
  visit("pthread adaptive", [] { return pthread_adaptive(); });
  visit("absl::Mutex", [] { return absl_mutex(); });
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_LOCKS_H
