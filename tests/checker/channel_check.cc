// The channel's and select's shipped source under every order of events within the bounds.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "checker/check.h"
#include "conc/channel.h"
#include "conc/select.h"

namespace {

using namespace conc::checker;
using conc::channel;
using conc::channel_status;
using std::chrono::milliseconds;

// What was done before the send is there for who receives; and where the two meet, what was done
// before the recv() for who has sent.
auto one_value(std::size_t capacity, bool user_level) {
  return [=] {
    channel<int> c(capacity);
    int before_send = 0, before_recv = 0;
    spawn([&] {
      if (user_level) as_user_thread();
      before_recv = 1;
      must(c.recv() == 7);
      must(before_send == 1);
    });
    spawn([&] {
      before_send = 1;
      must(c.send(7));
      if (capacity == 0) must(before_recv == 1);
    });
    join_all();
  };
}

TEST(channel, a_value_carries_what_was_done_before) {
  expect_sound(one_value(0, false));
  expect_sound(one_value(0, true));
  expect_sound(one_value(1, true));
  expect_orders_needed(one_value(0, false), {});
  expect_orders_needed(one_value(1, false), {});
}

// More values than there is room for: they leave in the order in which they came.
void through_a_full_buffer() {
  channel<int> c(1);
  spawn([&] {
    for (int i = 1; i <= 3; ++i) must(c.send(i));
  });
  spawn([&] {
    for (int i = 1; i <= 3; ++i) must(c.recv() == i);
  });
  join_all();
  must(c.size() == 0);
}

// A receiver makes room: that ends the wait of the sender, though nobody receives again.
void room_for_one_more() {
  channel<int> c(1);
  spawn([&] {
    must(c.send(1));
    must(c.send(2));
  });
  spawn([&] { must(c.recv() == 1); });
  join_all();
  must(c.recv() == 2);
}

void two_senders() {
  channel<int> c(1);
  for (int i = 1; i <= 2; ++i) spawn([&c, i] { must(c.send(i)); });
  spawn([&] {
    const int first = *c.recv(), second = *c.recv();
    must(first + second == 3 && first * second == 2);
  });
  join_all();
}

TEST(channel, values_keep_their_order) {
  expect_sound(through_a_full_buffer);
  expect_sound(room_for_one_more);
  expect_sound(two_senders);
  expect_step_needed(room_for_one_more, "channel_fill_from_senders", "nobody can go on");
  expect_step_needed(through_a_full_buffer, "permit_wake_the_sleeper", "nobody can go on");
}

// Whoever waits is told; and what is in the channel is not lost.
void a_close() {
  channel<int> c(1);
  int sent = 0, received = 0;
  spawn([&] {
    while (c.send(1)) ++sent;
  });
  spawn([&] {
    if (c.recv()) ++received;
    c.close();
  });
  join_all();
  while (c.recv()) ++received;
  must(sent == received && received >= 1);
}

TEST(channel, a_close_loses_nothing) { expect_sound(a_close); }

// The deadline may pass at any moment: the value is received, or it stays with its sender.
void a_deadline_that_passes() {
  channel<int> c(0);
  channel_status sent{}, received{};
  int value = 0;
  spawn([&] { received = c.recv_for(value, milliseconds(1)); });
  spawn([&] { sent = c.send_for(7, milliseconds(1)); });
  join_all();
  must(sent == received);
  must(sent == channel_status::ok ? value == 7 : value == 0);
}

// One who gives up, and one who does not and must be found behind him.
void a_deadline_before_another() {
  channel<int> c(0);
  channel_status received{};
  int value = 0;
  spawn([&] {
    received = c.recv_for(value, milliseconds(1));
    if (received != channel_status::ok) value = *c.recv();
  });
  spawn([&] { must(c.send(7)); });
  join_all();
  must(value == 7);
}

// [parking.queued] is about a timer that looks for another thread; here each looks for itself.
const std::set<std::string> for_timers_of_others = {
    "parking_queue.h enqueue: release", "parking_table.cc withdraw_from_table: acquire"};

TEST(channel, a_deadline_takes_nothing_away) {
  expect_sound(a_deadline_that_passes);
  expect_sound(a_deadline_before_another);
  expect_orders_needed(a_deadline_before_another, for_timers_of_others);
  expect_step_needed(a_deadline_before_another, "channel_claim", "a race");
}

TEST(channel, may_be_destroyed_by_whoever_got_the_last_value) {
  for (const std::size_t capacity : {0, 1}) {
    expect_sound([=] {
      auto* c = new channel<int>(capacity);
      spawn([c] {
        must(c->recv() == 7);
        delete c;
      });
      spawn([c] { must(c->send(7)); });
      join_all();
    });
  }
}

// A wait at two channels is ended by one of them, and leaves no trace at the other.
void either() {
  channel<int> a(0), b(0);
  int got = 0;
  spawn([&] {
    for (int i = 0; i < 2; ++i) {
      const auto take = [&](std::optional<int> v) { got += *v; };
      conc::select(conc::on_recv(a, take), conc::on_recv(b, take));
    }
  });
  spawn([&] { must(a.send(1)); });
  spawn([&] { must(b.send(2)); });
  join_all();
  must(got == 3);
}

TEST(select, is_served_by_one) {
  expect_sound(either);
  expect_orders_needed(either, {"parking_queue.h enqueue: release"});
  expect_step_needed(either, "channel_claim", "nobody can go on");
  expect_step_needed(either, "select_leave_the_others", "destroyed while threads wait");
}

}  // namespace
