// The timed mutex under every order of events within the bounds: deadlines that pass at any moment.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>

#include "checker/check.h"
#include "conc/timed_mutex.h"

namespace {

using namespace conc::checker;
using namespace std::chrono_literals;

// `hurried` threads may give up, the others wait for as long as it takes.
auto sections(int threads, int hurried, bool user_level) {
  return [=] {
    conc::timed_mutex lock;
    int n = 0, gave_up[4] = {};
    for (int i = 0; i < threads; ++i) {
      spawn([&, i] {
        if (user_level && i % 2 == 0) as_user_thread();
        if (i >= hurried) {
          lock.lock();
        } else if (!lock.try_lock_for(1ms)) {
          gave_up[i] = 1;
          return;
        }
        ++n;
        lock.unlock();
      });
    }
    join_all();
    must(n + gave_up[0] + gave_up[1] == threads);
  };
}

TEST(timed_mutex, sections) {
  // [parking.queued] is about a timer that is late; a kernel thread withdraws itself.
  expect_orders_needed(sections(3, 1, false), {"parking_queue.h enqueue: release",
                                               "parking_table.cc withdraw_from_table: acquire"});
  expect_sound(sections(3, 2, false));
  expect_sound(sections(3, 2, true));
}

TEST(timed_mutex, steps) {
  // Whoever unlocks takes the lock again before the one it has woken, whose time is over.
  const auto passed_by = [] {
    // Not destroyed: what is left in its word is not what this is about.
    auto& lock = *new conc::timed_mutex;
    lock.lock();
    spawn([&] {
      if (lock.try_lock_for(1ms)) lock.unlock();
    });
    spawn([&] {
      lock.lock();
      lock.unlock();
    });
    for (int i = 0; i < 2; ++i) {
      lock.unlock();
      lock.lock();
    }
    lock.unlock();
    join_all();
  };
  expect_step_needed(passed_by, "mutex_late_designated_resigns", "nobody can go on",
                     longer_plans(5));
}

TEST(timed_mutex, may_be_destroyed_by_its_last_user) {
  expect_sound([] {
    struct shared {
      conc::timed_mutex lock;
      conc::detail::atomic<int> users{3};
    };
    auto* s = new shared;
    for (int i = 0; i < 3; ++i) {
      spawn([s, i] {
        if (i == 0) {
          s->lock.lock();
          s->lock.unlock();
        } else if (s->lock.try_lock_for(1ms)) {
          s->lock.unlock();
        }
        if (s->users.fetch_sub(1, conc::detail::memory_order_acq_rel) == 1) delete s;
      });
    }
    join_all();
  });
}

}  // namespace
