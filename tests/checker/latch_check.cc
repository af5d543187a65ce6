// The latch's shipped source under every order of events within the bounds.
#include <gtest/gtest.h>

#include "checker/check.h"
#include "conc/latch.h"

namespace {

using namespace conc::checker;

// Every count_down() happens before the return of every wait().
auto counted(int waiters) {
  return [=] {
    conc::latch done{2};
    int n[2] = {};
    for (int i = 0; i < 2; ++i) {
      spawn([&, i] {
        n[i] = 1;
        done.count_down();
      });
    }
    for (int i = 0; i < waiters; ++i) {
      spawn([&, i] {
        if (i == 1) as_user_thread();
        done.wait();
        must(n[0] == 1 && n[1] == 1);
      });
    }
    join_all();
  };
}

TEST(latch, what_was_counted_is_there) {
  expect_orders_needed(counted(1), {"parking_queue.h enqueue: release"});
  expect_sound(counted(2));
}

TEST(latch, steps) { expect_step_needed(counted(1), "latch_say_waiting", "nobody can go on"); }

TEST(latch, may_be_destroyed_by_its_waiter) {
  expect_sound([] {
    auto* done = new conc::latch{2};
    spawn([done] { done->count_down(); });
    spawn([done] { done->count_down(); });
    spawn([done] {
      done->wait();
      delete done;
    });
    join_all();
  });
}

}  // namespace
