// The condition variable for any lock under every order of events within the bounds.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>

#include "checker/check.h"
#include "conc/condition_variable_any.h"
#include "conc/mutex.h"

namespace {

using namespace conc::checker;
using namespace std::chrono_literals;

struct shared {
  conc::mutex lock;
  conc::condition_variable_any changed;
  int items = 0;

  bool take(bool hurried) {
    std::unique_lock held(lock);
    const auto there = [this] { return items > 0; };
    if (!hurried) changed.wait(held, there);
    if (hurried && !changed.wait_for(held, 1ms, there)) return false;
    --items;
    return true;
  }
  void make(int n, bool all) {
    {
      std::lock_guard held(lock);
      items += n;
    }
    if (all) return changed.notify_all();
    for (int i = 0; i < n; ++i) changed.notify_one();
  }
};

auto takers(int n, int hurried, bool all) {
  return [=] {
    shared s;
    int got[3] = {};
    for (int i = 0; i < n; ++i) {
      spawn([&, i] {
        if (i == 1) as_user_thread();
        got[i] = s.take(i < hurried) ? 1 : 0;
      });
    }
    spawn([&] { s.make(n, all); });
    join_all();
    must(s.items == n - got[0] - got[1] - got[2]);
    for (int i = hurried; i < n; ++i) must(got[i] == 1);
  };
}

TEST(condition_variable_any, no_notification_is_lost) {
  expect_sound(takers(1, 0, false));
  expect_sound(takers(2, 0, false));
  expect_sound(takers(2, 0, true));
}

TEST(condition_variable_any, a_deadline_takes_no_notification_away) {
  expect_sound(takers(2, 1, false));
  expect_sound(takers(2, 1, true));
}

TEST(condition_variable_any, steps) {
  expect_step_needed(takers(2, 1, false), "any_wait_for_the_notifier", "");
}

TEST(condition_variable_any, may_be_destroyed_once_everybody_is_notified) {
  expect_sound([] {
    conc::mutex lock;
    bool go = false;
    auto* changed = new conc::condition_variable_any;
    spawn([&] {
      std::unique_lock held(lock);
      changed->wait(held, [&] { return go; });
    });
    spawn([&] {
      std::unique_lock held(lock);
      go = true;
      changed->notify_all();
      delete changed;
    });
    join_all();
  });
}

}  // namespace
