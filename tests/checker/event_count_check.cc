// The event count's shipped source under every order of events within the bounds.
#include <gtest/gtest.h>

#include <chrono>

#include "checker/check.h"
#include "conc/event_count.h"

namespace {

using namespace conc::checker;

// What was done before the advance is there for who awaited it, whether he had to wait or not.
auto one_event(bool user_level) {
  return [=] {
    conc::event_count e;
    int n = 0;
    spawn([&] {
      if (user_level) as_user_thread();
      e.await(1);
      must(n == 1);
    });
    spawn([&] {
      n = 1;
      e.advance();
    });
    join_all();
    must(e.read() == 1);
  };
}

// Each of two makes one event; who awaits the second is after both, though one of them woke him.
void two_events() {
  conc::event_count e;
  int first = 0, second = 0;
  spawn([&] {
    e.await(2);
    must(first == 1 && second == 1);
  });
  spawn([&] {
    first = 1;
    e.advance();
  });
  spawn([&] {
    second = 1;
    e.advance();
  });
  join_all();
}

TEST(event_count, an_event_carries_what_was_done_before) {
  expect_sound(one_event(false));
  expect_sound(one_event(true));
  expect_sound(two_events);
  // With one event who advances the count knows it without reading it.
  expect_orders_needed(one_event(false), {"event_count.cc advance_slow: acquire",
                                          "parking_queue.h enqueue: release"});
  expect_orders_needed(two_events, {"parking_queue.h enqueue: release"});
}

// Two who wait for different numbers, in whatever order they come.
void two_numbers() {
  conc::event_count e;
  spawn([&] { e.await(2); });
  spawn([&] { e.await(1); });
  spawn([&] {
    e.advance();
    e.advance();
  });
  join_all();
}

TEST(event_count, steps) {
  expect_sound(two_numbers);
  expect_step_needed(one_event(false), "event_count_look_again", "nobody can go on");
  expect_step_needed(one_event(false), "event_count_say_waiting", "nobody can go on");
}

// A deadline that may pass at any moment takes nothing away from who has none, and leaves no trace.
void a_deadline_that_passes() {
  conc::event_count e;
  spawn([&] { must(!e.await_for(3, std::chrono::milliseconds(1))); });
  spawn([&] { e.await(1); });
  spawn([&] { e.advance(); });
  join_all();
}

TEST(event_count, a_deadline_takes_nothing_away) {
  expect_sound(a_deadline_that_passes);
  expect_step_needed(a_deadline_that_passes, "event_count_last_to_leave_clears_mark",
                     "destroyed while threads wait");
}

TEST(event_count, may_be_destroyed_by_who_was_awaited_last) {
  expect_sound([] {
    auto* e = new conc::event_count;
    spawn([e] {
      e->await(1);
      delete e;
    });
    spawn([e] { e->advance(); });
    join_all();
  });
}

}  // namespace
