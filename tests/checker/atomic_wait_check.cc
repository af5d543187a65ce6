// atomic_wait() under every order of events within the bounds.
#include <gtest/gtest.h>

#include "checker/check.h"
#include "conc/atomic_wait.h"

namespace {

using namespace conc::checker;
using namespace conc::detail;

// What was done before the change is there after the wait, which does not miss the change.
auto waiters(int count, bool all) {
  return [=] {
    atomic<int> value{0};
    int n = 0;
    for (int i = 0; i < count; ++i) {
      spawn([&, i] {
        if (i == 1) as_user_thread();
        conc::atomic_wait(value, 0, memory_order_acquire);
        must(n == 1);
      });
    }
    spawn([&] {
      n = 1;
      value.store(1, memory_order_release);
      for (int i = 0; i < (all ? 1 : count); ++i) {
        if (all) conc::atomic_notify_all(value);
        if (!all) conc::atomic_notify_one(value);
      }
    });
    join_all();
  };
}

TEST(atomic_wait, no_change_is_missed) {
  // The waiter looks at the atomic again after the wake, and so acquires from the change itself.
  expect_orders_needed(waiters(1, false),
                       {"kernel_task.cc resume_kernel_thread: release",
                        "kernel_task.cc take_permit: acquire", "parking_queue.h enqueue: release"});
  expect_sound(waiters(2, false));
  expect_sound(waiters(2, true));
}

TEST(atomic_wait, steps) {
  expect_step_needed(waiters(1, false), "atomic_wait_looks_again", "nobody can go on");
}

TEST(atomic_wait, the_atomic_may_be_gone_when_it_is_notified) {
  expect_sound([] {
    auto* value = new atomic<int>{0};
    spawn([=] {
      conc::atomic_wait(*value, 0, memory_order_acquire);
      delete value;
    });
    spawn([=] {
      value->store(1, memory_order_release);
      conc::atomic_notify_one(*value);
    });
    join_all();
  });
}

}  // namespace
