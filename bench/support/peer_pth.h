// GNU Pth as a peer: one kernel thread, no atomic instructions, a scheduler that asks the kernel.
//
// It belongs to the kernel thread that uses it first, which must be the one that measures.
#ifndef CONC_BENCH_SUPPORT_PEER_PTH_H
#define CONC_BENCH_SUPPORT_PEER_PTH_H

#include <pth.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace bench {

struct pth_peer {
  class thread {
   public:
    template <class F>
    explicit thread(F f) {
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
    void join() { pth_join(std::exchange(id_, nullptr), nullptr); }

   private:
    void start(void* (*function)(void*), void* argument) {
      id_ = pth_spawn(PTH_ATTR_DEFAULT, function, argument);
      if (id_ != nullptr) return;
      std::perror("pth_spawn");
      std::abort();
    }
    pth_t id_;
  };

  class mutex {
   public:
    mutex() { pth_mutex_init(&mutex_); }
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;
    void lock() { pth_mutex_acquire(&mutex_, 0, nullptr); }
    bool try_lock() { return pth_mutex_acquire(&mutex_, 1, nullptr) != 0; }
    void unlock() { pth_mutex_release(&mutex_); }

   private:
    friend struct pth_peer;
    pth_mutex_t mutex_;
  };

  class condition_variable {
   public:
    condition_variable() { pth_cond_init(&condition_); }
    condition_variable(const condition_variable&) = delete;
    condition_variable& operator=(const condition_variable&) = delete;
    template <class Predicate>
    void wait(std::unique_lock<mutex>& lock, Predicate holds) {
      while (!holds()) pth_cond_await(&condition_, &lock.mutex()->mutex_, nullptr);
    }
    void notify_one() { pth_cond_notify(&condition_, 0); }
    void notify_all() { pth_cond_notify(&condition_, 1); }

   private:
    pth_cond_t condition_;
  };

  static void yield() { pth_yield(nullptr); }
  static void sleep_for(std::chrono::nanoseconds time) {
    const auto micros = time.count() / 1000;
    pth_nap(pth_time(static_cast<long>(micros / 1'000'000), static_cast<long>(micros % 1'000'000)));
  }
  static void settle(unsigned) {}
  template <class F>
  static void run(F f) {
    static const int began = pth_init();
    (void)began;
    f();
  }
};

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_PEER_PTH_H
