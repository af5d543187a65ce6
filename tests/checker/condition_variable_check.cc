// The condition variable's shipped source, on the mutex's, under every order of events within the
// bounds.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>

#include "checker/check.h"
#include "conc/condition_variable.h"

namespace {

using namespace conc::checker;
using namespace std::chrono_literals;

struct shared {
  conc::mutex lock;
  conc::condition_variable changed;
  int items = 0;

  void take() {
    std::unique_lock held(lock);
    changed.wait(held, [this] { return items > 0; });
    --items;
  }
  bool take_in_time() {
    std::unique_lock held(lock);
    const bool got = changed.wait_for(held, 1ms, [this] { return items > 0; });
    if (got) --items;
    return got;
  }
  void make(int n, bool notify_inside, bool all) {
    std::unique_lock held(lock);
    items += n;
    if (!notify_inside) held.unlock();
    if (all) {
      changed.notify_all();
    } else {
      for (int i = 0; i < n; ++i) changed.notify_one();
    }
  }
};

auto one_waiter(bool user_level, bool notify_inside) {
  return [=] {
    shared s;
    spawn([&] {
      if (user_level) as_user_thread();
      s.take();
    });
    spawn([&] { s.make(1, notify_inside, false); });
    join_all();
    must(s.items == 0);
  };
}

TEST(condition_variable, a_notification_is_not_lost) {
  for (const bool user_level : {false, true}) {
    for (const bool inside : {false, true}) expect_sound(one_waiter(user_level, inside));
  }
}

auto two_waiters(bool inside, bool all) {
  return [=] {
    shared s;
    for (int i = 0; i < 2; ++i) {
      spawn([&, i] {
        if (i == 1) as_user_thread();
        s.take();
      });
    }
    spawn([&] { s.make(2, inside, all); });
    join_all();
    must(s.items == 0);
  };
}

TEST(condition_variable, everybody_is_notified) {
  for (const bool all : {false, true}) {
    for (const bool inside : {false, true}) expect_sound(two_waiters(inside, all));
  }
}

auto a_waiter_with_a_deadline(bool user_level) {
  return [=] {
    shared s;
    bool got = false;
    spawn([&] {
      if (user_level) as_user_thread();
      got = s.take_in_time();
    });
    spawn([&] { s.take(); });
    spawn([&] { s.make(2, false, false); });
    join_all();
    must(s.items == (got ? 0 : 1));
  };
}

TEST(condition_variable, a_deadline_takes_no_notification_away) {
  expect_sound(a_waiter_with_a_deadline(false));
  expect_sound(a_waiter_with_a_deadline(true));
}

TEST(condition_variable, steps) {
  expect_step_needed(two_waiters(false, false), "cv_notify_keeps_mark", "nobody can go on");
  expect_step_needed(a_waiter_with_a_deadline(false), "cv_mark_stays_for_others",
                     "nobody can go on");
  const auto nobody_notifies = [] {
    shared s;
    must(!s.take_in_time());
  };
  expect_sound(nobody_notifies);
  expect_step_needed(nobody_notifies, "cv_last_to_leave_clears_mark", "while threads wait");
}

}  // namespace
