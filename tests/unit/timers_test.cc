#include "sched/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace {

using conc::detail::callback_timer;
using conc::detail::nanos;
using conc::detail::no_deadline;
using conc::detail::timer_node;
using conc::detail::timers;

// A callback timer that notes its place in the order of expiry.
struct noted : callback_timer {
  explicit noted(std::vector<nanos>& order, nanos when) : list(&order), deadline(when) {
    expired = [](callback_timer& t) noexcept {
      auto& self = static_cast<noted&>(t);
      self.list->push_back(self.deadline);
    };
  }
  std::vector<nanos>* list;
  nanos deadline;
};

struct timers_test : testing::Test {
  timers heap{3};
  std::vector<nanos> order;
  std::vector<std::unique_ptr<noted>> made;

  noted& arm(nanos deadline) {
    made.push_back(std::make_unique<noted>(order, deadline));
    heap.arm(*made.back(), deadline);
    return *made.back();
  }
  void expire(nanos time) {
    conc::detail::expired_wait none[4];
    EXPECT_EQ(heap.expire(time, none, 4, timers::by::its_carrier), 0u);
  }
};

TEST_F(timers_test, expire_in_order_and_not_before_their_time) {
  std::mt19937 random(7);
  std::vector<nanos> wanted;
  for (int i = 0; i < 1'000; ++i) {
    wanted.push_back(static_cast<nanos>(random() % 10'000));
    arm(wanted.back());
  }
  std::sort(wanted.begin(), wanted.end());
  for (nanos time = 0; time < 10'000; time += 137) {
    expire(time);
    EXPECT_TRUE(std::all_of(order.begin(), order.end(), [&](nanos d) { return d <= time; }));
    const auto due = std::upper_bound(wanted.begin(), wanted.end(), time) - wanted.begin();
    ASSERT_EQ(order.size(), static_cast<std::size_t>(due));
  }
  expire(10'000);
  EXPECT_EQ(order, wanted);
  EXPECT_EQ(heap.earliest(), no_deadline);
}

TEST_F(timers_test, the_earliest_is_known_throughout) {
  EXPECT_EQ(heap.earliest(), no_deadline);
  noted& b = arm(200);
  EXPECT_EQ(heap.earliest(), 200);
  noted& a = arm(100);
  arm(300);
  EXPECT_EQ(heap.earliest(), 100);
  heap.disarm(a);
  EXPECT_EQ(heap.earliest(), 200);
  heap.disarm(b);
  EXPECT_EQ(heap.earliest(), 300);
  expire(300);
  EXPECT_EQ(heap.earliest(), no_deadline);
}

TEST_F(timers_test, a_disarmed_one_does_not_expire_and_may_be_disarmed_again) {
  std::mt19937 random(11);
  std::vector<noted*> all;
  for (int i = 0; i < 500; ++i) all.push_back(&arm(static_cast<nanos>(random() % 1'000)));
  std::vector<nanos> kept;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 3 == 0) {
      kept.push_back(all[i]->deadline);
    } else {
      heap.disarm(*all[i]);
      EXPECT_EQ(all[i]->heap_index, timer_node::not_armed);
      heap.disarm(*all[i]);
    }
  }
  std::sort(kept.begin(), kept.end());
  expire(1'000);
  EXPECT_EQ(order, kept);
  for (noted* t : all) heap.disarm(*t);
}

TEST_F(timers_test, can_be_armed_again_after_it_expired) {
  noted& t = arm(5);
  expire(5);
  t.deadline = 9;
  heap.arm(t, 9);
  EXPECT_EQ(t.heap_owner, 3u);
  expire(8);
  EXPECT_EQ(order, (std::vector<nanos>{5}));
  expire(9);
  EXPECT_EQ(order, (std::vector<nanos>{5, 9}));
}

// Threads are handed out, not woken: with the wait that was meant, and no more than there is room.
TEST_F(timers_test, hand_out_expired_waits_with_their_epoch) {
  std::vector<std::unique_ptr<conc::detail::tcb>> threads;
  for (std::uint32_t i = 0; i < 10; ++i) {
    threads.push_back(std::make_unique<conc::detail::tcb>());
    threads.back()->wait_epoch.store(100 + i);
    heap.arm(*threads.back(), i);
  }
  conc::detail::expired_wait out[4];
  EXPECT_EQ(heap.expire(6, out, 4, timers::by::its_carrier), 4u);
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(out[i].thread, threads[i].get());
    EXPECT_EQ(out[i].epoch, 100 + i);
  }
  EXPECT_EQ(heap.expire(6, out, 4, timers::by::its_carrier), 3u);
  EXPECT_EQ(heap.expire(6, out, 4, timers::by::its_carrier), 0u);
  EXPECT_EQ(heap.earliest(), 7);
  for (auto& t : threads) heap.disarm(t->timer);
}

// Several close together share one look; a single one is looked at when it is due.
TEST_F(timers_test, a_crowd_shares_one_look) {
  EXPECT_EQ(heap.next_look(), no_deadline);
  const nanos first = 10'000, edge = first + timers::slack;
  for (const nanos d : {nanos{20'000}, first, edge, edge + 1}) arm(d);
  EXPECT_EQ(heap.next_look(), first);
  arm(12'000);
  EXPECT_EQ(heap.next_look(), edge);
  EXPECT_EQ(heap.earliest(), first);
}

// Another carrier takes neither callbacks nor a thread whose registers may not be saved yet.
TEST_F(timers_test, another_carrier_leaves_alone_what_is_not_its_to_take) {
  conc::detail::tcb gone, leaving;
  arm(10);
  heap.arm(gone, 11);
  heap.saved();
  heap.arm(leaving, 12);
  conc::detail::expired_wait out[4];
  EXPECT_EQ(heap.expire(20, out, 4, timers::by::another), 1u);
  EXPECT_EQ(out[0].thread, &gone);
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(heap.earliest(), 10);
  heap.saved();
  EXPECT_EQ(heap.expire(20, out, 4, timers::by::another), 1u);
  EXPECT_EQ(out[0].thread, &leaving);
  expire(20);
  EXPECT_EQ(order, (std::vector<nanos>{10}));
  EXPECT_EQ(heap.earliest(), no_deadline);
}

}  // namespace
