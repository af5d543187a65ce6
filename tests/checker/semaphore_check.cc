// The semaphore's shipped source under every order of events within the bounds.
#include <gtest/gtest.h>

#include <chrono>

#include "checker/check.h"
#include "conc/semaphore.h"

namespace {

using namespace conc::checker;
using semaphore = conc::counting_semaphore<>;

// What a releaser did before is there for who got the permit.
void one_permit() {
  semaphore s{0};
  int n = 0;
  spawn([&] {
    s.acquire();
    must(n == 1);
  });
  spawn([&] {
    n = 1;
    s.release();
  });
  join_all();
  must(s.value() == 0);
}

// Nor does it matter in which way the permit comes: to a waiter, or left over for a newcomer.
void two_permits_at_once() {
  semaphore s{0};
  int n = 0;
  for (int i = 0; i < 2; ++i) {
    spawn([&] {
      s.acquire();
      must(n == 1);
    });
  }
  spawn([&] {
    n = 1;
    s.release(2);
  });
  join_all();
  must(s.value() == 0);
}

TEST(semaphore, a_permit_carries_what_the_releaser_did) {
  expect_orders_needed(one_permit,
                       {"parking_queue.h enqueue: release", "semaphore.cc release_slow: release"});
  expect_orders_needed(two_permits_at_once, {"parking_queue.h enqueue: release"});
}

auto permits_for(int acquirers, bool at_once) {
  return [=] {
    semaphore s{0};
    for (int i = 0; i < acquirers; ++i) {
      spawn([&, i] {
        if (i == 0) as_user_thread();
        s.acquire();
      });
    }
    for (int i = 0; i < (at_once ? 1 : acquirers); ++i) {
      spawn([&] { s.release(at_once ? acquirers : 1); });
    }
    join_all();
    must(s.value() == 0);
  };
}

TEST(semaphore, every_permit_reaches_somebody) {
  expect_sound(permits_for(2, false));
  expect_sound(permits_for(2, true));
}

TEST(semaphore, steps) {
  expect_step_needed(permits_for(2, true), "semaphore_look_again", "nobody can go on");
}

// One of two has a deadline, which may pass at any moment; what he does not take is left.
auto a_deadline_that_passes(bool user_level) {
  return [=] {
    semaphore s{0};
    int got = 0;
    spawn([&] {
      if (user_level) as_user_thread();
      if (s.try_acquire_for(std::chrono::milliseconds(1))) ++got;
    });
    spawn([&] { s.acquire(); });
    spawn([&] { s.release(2); });
    join_all();
    must(s.value() == 1 - got);
    // Nor is there one that the value does not show.
    if (got == 0) must(s.try_acquire());
    must(!s.try_acquire_for(std::chrono::milliseconds(0)));
  };
}

TEST(semaphore, a_deadline_takes_nothing_away) {
  expect_sound(a_deadline_that_passes(false));
  expect_sound(a_deadline_that_passes(true));
  expect_step_needed(a_deadline_that_passes(false), "semaphore_uncount_who_leaves",
                     "destroyed while threads wait");
}

TEST(semaphore, may_be_destroyed_by_who_got_the_last_permit) {
  expect_sound([] {
    auto* s = new semaphore{0};
    spawn([s] {
      s->acquire();
      delete s;
    });
    spawn([s] { s->release(); });
    join_all();
  });
}

}  // namespace
