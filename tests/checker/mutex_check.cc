// The mutex's shipped source, with the parking table and the kernel threads' way to sleep, under
// every order of events within the bounds.
#include <gtest/gtest.h>

#include <memory>
#include <mutex>

#include "checker/check.h"
#include "conc/mutex.h"
#include "conc/two_phase_lock.h"

namespace {

using namespace conc::checker;

enum class kinds { kernel, mixed };

// Plain data that only the mutex protects: a weak order is a race on it.
auto sections(int threads, kinds k) {
  return [=] {
    conc::mutex lock;
    int n = 0;
    for (int i = 0; i < threads; ++i) {
      spawn([&, i] {
        if (k == kinds::mixed && i % 2 == 0) as_user_thread();
        std::lock_guard held(lock);
        ++n;
      });
    }
    join_all();
    must(n == threads);
  };
}

// [parking.queued] is about waits that end at a deadline, which these do not.
const std::set<std::string> only_for_deadlines = {"parking_queue.h enqueue: release"};

TEST(mutex, sections_of_kernel_threads) {
  expect_orders_needed(sections(3, kinds::kernel), only_for_deadlines);
}
TEST(mutex, sections_of_both_kinds) { expect_sound(sections(3, kinds::mixed)); }

TEST(mutex, steps) {
  const scenario s = sections(3, kinds::kernel);
  expect_step_needed(s, "mutex_validate_before_park", "nobody can go on");
  expect_step_needed(s, "mutex_say_parked", "nobody can go on");
  expect_step_needed(s, "mutex_resign_as_designated", "nobody can go on", longer_plans(4));
  expect_step_needed(s, "permit_wake_the_sleeper", "nobody can go on");
  expect_step_needed(s, "order_of_unlock", "a race");
  expect_step_needed(s, "order_of_permit", "a race");
}

TEST(mutex, try_lock) {
  expect_sound([] {
    conc::mutex lock;
    int n = 0;
    spawn([&] {
      std::lock_guard held(lock);
      ++n;
    });
    for (int i = 0; i < 2; ++i) {
      spawn([&] {
        if (!lock.try_lock()) return;
        ++n;
        lock.unlock();
      });
    }
    join_all();
    must(n >= 1);
  });
}

// The last one out destroys it, while the others may still be inside unlock().
TEST(mutex, may_be_destroyed_by_its_last_owner) {
  expect_sound([] {
    struct shared {
      conc::mutex lock;
      int users = 3;
    };
    auto* s = new shared;
    for (int i = 0; i < 3; ++i) {
      spawn([s] {
        s->lock.lock();
        const bool last = --s->users == 0;
        s->lock.unlock();
        if (last) delete s;
      });
    }
    join_all();
  });
}

}  // namespace
