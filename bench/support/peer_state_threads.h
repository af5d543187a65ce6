// State Threads as a peer: one kernel thread, no atomic instructions.
//
// It belongs to the kernel thread that uses it first, which must be the one that measures.
#ifndef CONC_BENCH_SUPPORT_PEER_STATE_THREADS_H
#define CONC_BENCH_SUPPORT_PEER_STATE_THREADS_H

#include <st.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace bench {

struct state_threads_peer {
  class thread {
   public:
    template <class F>
    explicit thread(F f) {
      // A function without state needs no memory here, as it needs none in the others.
      if constexpr (std::is_empty_v<F>) {
        start(
            [](void*) -> void* {
              F{}();
              return nullptr;
            },
            nullptr);
      } else {
        start(
            [](void* kept) -> void* {
              (*std::unique_ptr<F>(static_cast<F*>(kept)))();
              return nullptr;
            },
            new F(std::move(f)));
      }
    }
    thread(thread&& other) noexcept : id_(std::exchange(other.id_, nullptr)) {}
    void join() { st_thread_join(std::exchange(id_, nullptr), nullptr); }

   private:
    void start(void* (*function)(void*), void* argument) {
      id_ = st_thread_create(function, argument, 1, 0);
      if (id_ != nullptr) return;
      std::perror("st_thread_create");
      std::abort();
    }
    st_thread_t id_;
  };

  class mutex {
   public:
    mutex() : mutex_(st_mutex_new()) {}
    ~mutex() { st_mutex_destroy(mutex_); }
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;
    void lock() { st_mutex_lock(mutex_); }
    bool try_lock() { return st_mutex_trylock(mutex_) == 0; }
    void unlock() { st_mutex_unlock(mutex_); }

   private:
    st_mutex_t mutex_;
  };

  class condition_variable {
   public:
    condition_variable() : condition_(st_cond_new()) {}
    ~condition_variable() { st_cond_destroy(condition_); }
    condition_variable(const condition_variable&) = delete;
    condition_variable& operator=(const condition_variable&) = delete;
    // Nothing runs between the unlock and the wait: there is one kernel thread and no preemption.
    template <class Predicate>
    void wait(std::unique_lock<mutex>& lock, Predicate holds) {
      while (!holds()) {
        lock.unlock();
        st_cond_wait(condition_);
        lock.lock();
      }
    }
    void notify_one() { st_cond_signal(condition_); }
    void notify_all() { st_cond_broadcast(condition_); }

   private:
    st_cond_t condition_;
  };

  static void yield() { st_usleep(0); }
  static void sleep_for(std::chrono::nanoseconds time) {
    st_usleep(static_cast<st_utime_t>(time.count() / 1000));
  }
  static void settle(unsigned) {}
  template <class F>
  static void run(F f) {
    static const int began = st_init();
    (void)began;
    f();
  }
};

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_PEER_STATE_THREADS_H
