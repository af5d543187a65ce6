// An object may go as soon as the last waiter has been released, also by that very waiter, while
// the one who woke it is still inside unlock, notify, release or count_down. Every object here is
// on the heap and filled with a pattern before it is freed: a late access finds or breaks it, and
// under AddressSanitizer ends the test at once.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>

#include "conc/barrier.h"
#include "conc/condition_variable.h"
#include "conc/latch.h"
#include "conc/mutex.h"
#include "conc/semaphore.h"
#include "conc/shared_mutex.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::scaled;

// An object in memory of its own that is checked for late writes when the next one moves in.
template <class T>
class mortal {
 public:
  template <class... A>
  explicit mortal(A... a) : object_(::new (room_) T(a...)) {}
  T* operator->() { return object_; }
  T& operator*() { return *object_; }
  void destroy() {
    object_->~T();
    std::memset(room_, pattern, sizeof room_);
  }
  bool untouched() const {
    for (const unsigned char c : room_) {
      if (c != pattern) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned char pattern = 0xcd;
  alignas(T) unsigned char room_[sizeof(T)];
  T* object_;
};

// Two threads, a releaser and a waiter, meet over a fresh object in each round; the waiter, once it
// is through, destroys the object at once. `release` and `wait` get the object.
template <class T, class Make, class Release, class Wait>
void rounds(Make make, Release release, Wait wait) {
  for (int combination = 0; combination < 4; ++combination) {
    const bool user_waits = combination % 2 == 0, user_releases = combination / 2 == 0;
    mortal<T>* offered = nullptr;
    conc::binary_semaphore there_is_one(0), out_of_it(0);
    const int n = scaled(6'000);
    std::atomic<int> faults{0};
    crew pair;
    const auto waiter = [&](int) {
      for (int i = 0; i < n; ++i) {
        std::unique_ptr<mortal<T>> o(make());
        offered = o.get();
        there_is_one.release();
        wait(**o);
        o->destroy();
        out_of_it.acquire();
        if (!o->untouched()) ++faults;
      }
    };
    const auto releaser = [&](int) {
      for (int i = 0; i < n; ++i) {
        there_is_one.acquire();
        release(**offered);
        out_of_it.release();
      }
    };
    user_waits ? pair.users(1, waiter) : pair.kernels(1, waiter);
    user_releases ? pair.users(1, releaser) : pair.kernels(1, releaser);
    pair.join();
    ASSERT_EQ(faults, 0) << "user waits " << user_waits << ", user releases " << user_releases;
  }
}

TEST(destroy_after_wake_stress, semaphore) {
  rounds<conc::binary_semaphore>([] { return new mortal<conc::binary_semaphore>(0); },
                                 [](auto& s) { s.release(); }, [](auto& s) { s.acquire(); });
}

TEST(destroy_after_wake_stress, semaphore_with_a_deadline) {
  rounds<conc::binary_semaphore>([] { return new mortal<conc::binary_semaphore>(0); },
                                 [](auto& s) { s.release(); },
                                 [](auto& s) {
                                   while (!s.try_acquire_for(std::chrono::microseconds(20))) {
                                   }
                                 });
}

TEST(destroy_after_wake_stress, latch) {
  rounds<conc::latch>([] { return new mortal<conc::latch>(1); }, [](auto& l) { l.count_down(); },
                      [](auto& l) { l.wait(); });
}

// The releaser holds the mutex and says so first; the next owner unlocks and destroys it.
struct guarded {
  conc::mutex m;
  conc::latch held{1};
};
TEST(destroy_after_wake_stress, mutex) {
  rounds<guarded>([] { return new mortal<guarded>(); },
                  [](guarded& g) {
                    g.m.lock();
                    g.held.count_down();
                    g.m.unlock();
                  },
                  [](guarded& g) {
                    g.held.wait();
                    g.m.lock();
                    g.m.unlock();
                  });
}

// Condition variable and mutex together, notified under the mutex or after it.
struct event {
  conc::mutex m;
  conc::condition_variable cv;
  bool set = false;
};
TEST(destroy_after_wake_stress, condition_variable_notified_under_the_mutex) {
  for (const bool all : {true, false}) {
    rounds<event>([] { return new mortal<event>(); },
                  [all](event& e) {
                    const std::lock_guard guard(e.m);
                    e.set = true;
                    all ? e.cv.notify_all() : e.cv.notify_one();
                  },
                  [](event& e) {
                    std::unique_lock lock(e.m);
                    e.cv.wait(lock, [&] { return e.set; });
                  });
  }
}

struct event_any {
  conc::mutex m;
  conc::condition_variable_any cv;
  bool set = false;
};
TEST(destroy_after_wake_stress, condition_variable_any) {
  rounds<event_any>([] { return new mortal<event_any>(); },
                    [](event_any& e) {
                      const std::lock_guard guard(e.m);
                      e.set = true;
                      e.cv.notify_all();
                    },
                    [](event_any& e) {
                      std::unique_lock lock(e.m);
                      e.cv.wait(lock, [&] { return e.set; });
                    });
}

TEST(destroy_after_wake_stress, barrier) {
  rounds<conc::barrier<>>([] { return new mortal<conc::barrier<>>(2); },
                          [](auto& b) { (void)b.arrive(); }, [](auto& b) { b.arrive_and_wait(); });
}

// A writer lets a reader in, and a reader a writer; who comes in destroys the mutex.
template <conc::rw_preference Preference>
void share_and_destroy() {
  struct shared {
    conc::basic_shared_mutex<Preference> m;
    conc::latch held{1};
  };
  rounds<shared>([] { return new mortal<shared>(); },
                  [](shared& g) {
                    g.m.lock();
                    g.held.count_down();
                    g.m.unlock();
                  },
                  [](shared& g) {
                    g.held.wait();
                    g.m.lock_shared();
                    g.m.unlock_shared();
                  });
  rounds<shared>([] { return new mortal<shared>(); },
                  [](shared& g) {
                    g.m.lock_shared();
                    g.held.count_down();
                    g.m.unlock_shared();
                  },
                  [](shared& g) {
                    g.held.wait();
                    g.m.lock();
                    g.m.unlock();
                  });
}
TEST(destroy_after_wake_stress, shared_mutex_phase_fair) {
  share_and_destroy<conc::rw_preference::phase_fair>();
}
TEST(destroy_after_wake_stress, shared_mutex_reader) {
  share_and_destroy<conc::rw_preference::reader>();
}
TEST(destroy_after_wake_stress, shared_mutex_writer) {
  share_and_destroy<conc::rw_preference::writer>();
}

// A member of the waiting task that the waker touches late would show here: the threads end too.
TEST(destroy_after_wake_stress, waiters_that_end_at_once) {
  for (int i = 0; i < scaled(3'000); ++i) {
    auto s = std::make_unique<conc::binary_semaphore>(0);
    conc::binary_semaphore& there = *s;
    crew pair;
    const auto end = [&](int) {
      there.acquire();
      s.reset();
    };
    i % 2 == 0 ? pair.users(1, end) : pair.kernels(1, end);
    if (i % 3 == 0) conc::this_thread::yield();
    there.release();
  }
}

}  // namespace
