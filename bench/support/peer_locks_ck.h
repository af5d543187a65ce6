// Concurrency Kit's spin locks. Its queue locks want a place from each waiter; here it belongs to
// the kernel thread, which suffices while nobody holds two of them.
#ifndef CONC_BENCH_SUPPORT_PEER_LOCKS_CK_H
#define CONC_BENCH_SUPPORT_PEER_LOCKS_CK_H

#include <ck_pr.h>
// C++ does not turn void* into a pointer to something by itself, as the C of these headers has it.
#define ck_pr_fas_ptr(queue, place) static_cast<decltype(place)>((ck_pr_fas_ptr)(queue, place))
#include <spinlock/clh.h>
#include <spinlock/mcs.h>
#undef ck_pr_fas_ptr
#include <spinlock/cas.h>
#include <spinlock/fas.h>
#include <spinlock/ticket.h>

#include <mutex>
#include <vector>

namespace bench {

#define CONC_BENCH_CK_LOCK(name)                                     \
  class ck_##name {                                                  \
   public:                                                           \
    ck_##name() { ck_spinlock_##name##_init(&lock_); }               \
    ck_##name(const ck_##name&) = delete;                            \
    ck_##name& operator=(const ck_##name&) = delete;                 \
    void lock() { ck_spinlock_##name##_lock(&lock_); }               \
    bool try_lock() { return ck_spinlock_##name##_trylock(&lock_); } \
    void unlock() { ck_spinlock_##name##_unlock(&lock_); }           \
                                                                     \
   private:                                                          \
    ck_spinlock_##name##_t lock_;                                    \
  }
CONC_BENCH_CK_LOCK(fas);
CONC_BENCH_CK_LOCK(cas);
CONC_BENCH_CK_LOCK(ticket);
#undef CONC_BENCH_CK_LOCK

class ck_mcs {
 public:
  ck_mcs() { ck_spinlock_mcs_init(&lock_); }
  ck_mcs(const ck_mcs&) = delete;
  ck_mcs& operator=(const ck_mcs&) = delete;
  void lock() { ck_spinlock_mcs_lock(&lock_, &mine()); }
  bool try_lock() { return ck_spinlock_mcs_trylock(&lock_, &mine()); }
  void unlock() { ck_spinlock_mcs_unlock(&lock_, &mine()); }

 private:
  static ck_spinlock_mcs_context_t& mine() {
    alignas(64) static thread_local ck_spinlock_mcs_context_t place;
    return place;
  }
  ck_spinlock_mcs_t lock_;
};

// Each unlock leaves the caller with another thread's place and the lock with the caller's. So
// places outlive threads; they go from a thread or a lock that ends to the next that begins.
class ck_clh {
 public:
  ck_clh() { ck_spinlock_clh_init(&lock_, places::take()); }
  ~ck_clh() { places::give(lock_); }
  ck_clh(const ck_clh&) = delete;
  ck_clh& operator=(const ck_clh&) = delete;
  void lock() { ck_spinlock_clh_lock(&lock_, mine()); }
  void unlock() { ck_spinlock_clh_unlock(&mine()); }

 private:
  class places {
   public:
    static ck_spinlock_clh_t* take() {
      std::lock_guard lock(mutex());
      if (free().empty()) return &(new padded)->place;
      ck_spinlock_clh_t* last = free().back();
      free().pop_back();
      return last;
    }
    static void give(ck_spinlock_clh_t* place) {
      std::lock_guard lock(mutex());
      free().push_back(place);
    }

   private:
    struct alignas(64) padded {
      ck_spinlock_clh_t place;
    };
    static std::mutex& mutex() {
      static std::mutex& kept = *new std::mutex;
      return kept;
    }
    static std::vector<ck_spinlock_clh_t*>& free() {
      static std::vector<ck_spinlock_clh_t*>& kept = *new std::vector<ck_spinlock_clh_t*>;
      return kept;
    }
  };
  struct owner {
    ck_spinlock_clh_t* place = places::take();
    ~owner() { places::give(place); }
  };
  static ck_spinlock_clh_t*& mine() {
    static thread_local owner here;
    return here.place;
  }
  ck_spinlock_clh_t* lock_;
};

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_PEER_LOCKS_CK_H
