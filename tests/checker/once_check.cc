// call_once under every order of events within the bounds.
#include <gtest/gtest.h>

#include "checker/check.h"
#include "conc/once.h"

namespace {

using namespace conc::checker;

struct no_luck {};

// The function's return happens before the return of every call; one that throws happens before the
// next attempt.
auto calls(int callers, int failures) {
  return [=] {
    conc::once_flag flag;
    int n = 0, attempts = 0;
    for (int i = 0; i < callers; ++i) {
      spawn([&, i] {
        if (i == 1) as_user_thread();
        try {
          conc::call_once(flag, [&] {
            if (++attempts <= failures) throw no_luck();
            ++n;
          });
          must(n == 1);
        } catch (const no_luck&) {
        }
      });
    }
    join_all();
    must(n == (callers > failures ? 1 : 0));
  };
}

const std::set<std::string> only_for_deadlines = {"parking_queue.h enqueue: release"};

TEST(call_once, what_was_done_is_there) {
  expect_orders_needed(calls(3, 1), only_for_deadlines);
  expect_sound(calls(3, 0));
}

TEST(call_once, a_waiter_tries_again) { expect_sound(calls(3, 1)); }

TEST(call_once, steps) {
  expect_step_needed(calls(2, 0), "once_say_parked", "nobody can go on");
  expect_step_needed(calls(2, 1), "once_retry_by_a_waiter", "");
}

TEST(call_once, the_flag_may_go_with_the_last_caller) {
  expect_sound([] {
    struct shared {
      conc::once_flag flag;
      conc::detail::atomic<int> users{2};
    };
    auto* s = new shared;
    for (int i = 0; i < 2; ++i) {
      spawn([s] {
        conc::call_once(s->flag, [] {});
        if (s->users.fetch_sub(1, conc::detail::memory_order_acq_rel) == 1) delete s;
      });
    }
    join_all();
  });
}

}  // namespace
