// The barrier's shipped source under every order of events within the bounds.
#include <gtest/gtest.h>

#include "checker/check.h"
#include "conc/barrier.h"

namespace {

using namespace conc::checker;

// Every arrival happens before the completion, and that before the return of every wait.
auto phases(int threads, int rounds) {
  return [=] {
    struct sum_up {
      int* n;
      int* sum;
      int threads;
      void operator()() noexcept {
        *sum = 0;
        for (int i = 0; i < threads; ++i) *sum += n[i];
      }
    };
    int n[4] = {}, sum = 0;
    conc::barrier<sum_up> everybody(threads, {n, &sum, threads});
    for (int i = 0; i < threads; ++i) {
      spawn([&, i] {
        if (i == 1) as_user_thread();
        for (int round = 1; round <= rounds; ++round) {
          ++n[i];
          everybody.arrive_and_wait();
          must(sum == round * threads);
        }
      });
    }
    join_all();
  };
}

// [parking.queued] is about waits that end at a deadline, which these do not.
const std::set<std::string> only_for_deadlines = {"parking_queue.h enqueue: release"};

TEST(barrier, what_was_done_before_is_there) {
  expect_sound(phases(2, 2));
  expect_orders_needed(phases(3, 1), only_for_deadlines);
}

TEST(barrier, steps) {
  expect_step_needed(phases(2, 1), "barrier_say_waiting", "nobody can go on");
}

TEST(barrier, who_drops_out_is_not_waited_for) {
  expect_sound([] {
    conc::barrier<> everybody(2);
    spawn([&] { everybody.arrive_and_drop(); });
    spawn([&] {
      everybody.arrive_and_wait();
      everybody.arrive_and_wait();
    });
    join_all();
  });
}

TEST(barrier, may_be_destroyed_by_who_was_released) {
  expect_sound([] {
    auto* everybody = new conc::barrier<>(2);
    spawn([=] { static_cast<void>(everybody->arrive()); });
    spawn([=] {
      everybody->arrive_and_wait();
      delete everybody;
    });
    join_all();
  });
}

}  // namespace
