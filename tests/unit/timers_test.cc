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

// With room for so many side by side: all others are linked (deadline_heap.h). What holds for the
// ones holds for the others, and for both together.
struct timers_test : testing::TestWithParam<std::size_t> {
  timers heap{3, GetParam()};
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

TEST_P(timers_test, expire_in_order_and_not_before_their_time) {
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

TEST_P(timers_test, the_earliest_is_known_throughout) {
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

TEST_P(timers_test, a_disarmed_one_does_not_expire_and_may_be_disarmed_again) {
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

TEST_P(timers_test, can_be_armed_again_after_it_expired) {
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

// Threads that wait, of which only the timers are of interest.
struct waiting_threads {
  explicit waiting_threads(std::size_t n) : links(n) {
    for (std::size_t i = 0; i < n; ++i) blocks.push_back(std::make_unique<conc::detail::tcb>());
  }
  std::vector<std::unique_ptr<conc::detail::tcb>> blocks;
  std::vector<conc::detail::deadline_link> links;
};

// Threads are handed out, not woken: with the wait that was meant, and no more than there is room.
TEST_P(timers_test, hand_out_expired_waits_with_their_epoch) {
  waiting_threads threads(10);
  for (std::uint32_t i = 0; i < 10; ++i) {
    threads.blocks[i]->wait_epoch.store(100 + i);
    heap.arm(*threads.blocks[i], i, threads.links[i]);
  }
  conc::detail::expired_wait out[4];
  EXPECT_EQ(heap.expire(6, out, 4, timers::by::its_carrier), 4u);
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(out[i].thread, threads.blocks[i].get());
    EXPECT_EQ(out[i].epoch, 100 + i);
  }
  EXPECT_EQ(heap.expire(6, out, 4, timers::by::its_carrier), 3u);
  EXPECT_EQ(heap.expire(6, out, 4, timers::by::its_carrier), 0u);
  EXPECT_EQ(heap.earliest(), 7);
  for (std::size_t i = 0; i < 10; ++i) heap.disarm(*threads.blocks[i], threads.links[i]);
  EXPECT_EQ(heap.earliest(), no_deadline);
}

// Several close together share one look; a single one is looked at when it is due.
TEST_P(timers_test, a_crowd_shares_one_look) {
  EXPECT_EQ(heap.next_look(), no_deadline);
  const nanos first = 10'000, edge = first + timers::slack;
  for (const nanos d : {nanos{20'000}, first, edge, edge + 1}) arm(d);
  EXPECT_EQ(heap.next_look(), first);
  arm(12'000);
  EXPECT_EQ(heap.next_look(), edge);
  EXPECT_EQ(heap.earliest(), first);
}

// Another carrier takes neither callbacks nor a thread whose registers may not be saved yet.
TEST_P(timers_test, another_carrier_leaves_alone_what_is_not_its_to_take) {
  waiting_threads threads(3);
  conc::detail::tcb &gone = *threads.blocks[0], &leaving = *threads.blocks[1],
                    &behind = *threads.blocks[2];
  arm(10);
  heap.arm(gone, 11, threads.links[0]);
  heap.saved();
  heap.arm(behind, 13, threads.links[2]);
  heap.saved();
  heap.arm(leaving, 12, threads.links[1]);
  conc::detail::expired_wait out[4];
  EXPECT_EQ(heap.expire(20, out, 4, timers::by::another), 2u);
  EXPECT_EQ(out[0].thread, &gone);
  EXPECT_EQ(out[1].thread, &behind);
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(heap.earliest(), 10);
  EXPECT_EQ(heap.earliest_wait(), 12);
  heap.saved();
  EXPECT_EQ(heap.expire(20, out, 4, timers::by::another), 1u);
  EXPECT_EQ(out[0].thread, &leaving);
  EXPECT_EQ(heap.earliest_wait(), no_deadline);
  expire(20);
  EXPECT_EQ(order, (std::vector<nanos>{10}));
  EXPECT_EQ(heap.earliest(), no_deadline);
}

// Only their carrier may run callbacks. Overdue, and however many, they do not hide a thread.
TEST_P(timers_test, overdue_callbacks_hide_no_thread_from_another_carrier) {
  for (nanos d = 1; d <= 100; ++d) arm(d);
  waiting_threads threads(20);
  for (std::size_t i = 0; i < 20; ++i) {
    heap.arm(*threads.blocks[i], 200 + static_cast<nanos>(i), threads.links[i]);
  }
  heap.saved();
  conc::detail::expired_wait out[8];
  std::size_t found = 0;
  for (std::size_t n = 8; n == 8;) {
    n = heap.expire(300, out, 8, timers::by::another);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(out[i].thread, threads.blocks[found++].get());
  }
  EXPECT_EQ(found, 20u);
  EXPECT_TRUE(order.empty());
  expire(300);
  EXPECT_EQ(order.size(), 100u);
}

// Whatever comes and goes: nobody is lost, nobody is early, and all come in order.
TEST_P(timers_test, keep_a_hundred_thousand_in_order_while_others_are_disarmed) {
  constexpr std::size_t n = 100'000;
  waiting_threads threads(n);
  std::mt19937 random(5);
  std::vector<nanos> deadline(n);
  std::vector<bool> armed(n, true);
  std::size_t left = n;
  const auto arm_at = [&](std::size_t i, nanos d) {
    deadline[i] = d;
    heap.arm(*threads.blocks[i], d, threads.links[i]);
    heap.saved();
  };
  for (std::size_t i = 0; i < n; ++i) {
    threads.blocks[i]->wait_epoch.store(static_cast<std::uint32_t>(i));
    arm_at(i, static_cast<nanos>(random() % 1'000'000));
  }
  nanos last = 0;
  for (nanos time = 0; left > 0; time += 10'000) {
    conc::detail::expired_wait out[32];
    for (std::size_t got = 32; got == 32;) {
      got = heap.expire(time, out, 32, timers::by::another);
      for (std::size_t k = 0; k < got; ++k) {
        const std::size_t i = out[k].epoch;
        ASSERT_EQ(out[k].thread, threads.blocks[i].get());
        ASSERT_TRUE(armed[i]);
        ASSERT_LE(deadline[i], time);
        ASSERT_GE(deadline[i], last);
        last = deadline[i];
        armed[i] = false;
        --left;
      }
    }
    ASSERT_GT(heap.earliest(), time);
    last = time;
    // Some are woken before their time, and some of these wait again.
    for (int k = 0; k < 500; ++k) {
      const std::size_t i = random() % n;
      if (armed[i]) {
        heap.disarm(*threads.blocks[i], threads.links[i]);
        ASSERT_EQ(threads.blocks[i]->timer.heap_index, timer_node::not_armed);
        armed[i] = false;
        --left;
      } else if (time < 500'000) {
        arm_at(i, time + 1 + static_cast<nanos>(random() % 500'000));
        armed[i] = true;
        ++left;
      }
    }
  }
  EXPECT_EQ(heap.earliest(), no_deadline);
}

INSTANTIATE_TEST_SUITE_P(places, timers_test,
                         testing::Values(0, 3, 1'000, conc::detail::deadline_heap::most_places),
                         [](const auto& which) {
                           return which.index == 3 ? std::string("as_many_as_wanted")
                                                   : std::to_string(which.param);
                         });

}  // namespace
