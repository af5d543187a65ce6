#include "conc/channel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "conc/runtime.h"
#include "support/channel_waiters.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc::channel_status;
using conc_test::crew;
using conc_test::eventually;
using conc_test::eventually_waiting;
using conc_test::role;
using conc_test::scaled;
using steady = std::chrono::steady_clock;

TEST(channel, a_buffer_takes_what_it_has_room_for_and_gives_it_back_in_order) {
  conc::channel<int> c(3);
  EXPECT_EQ(c.capacity(), 3u);
  for (int round = 0; round < 5; ++round) {  // so that the ring goes round
    EXPECT_TRUE(c.send(1));
    EXPECT_TRUE(c.send(2));
    EXPECT_EQ(c.try_send(3), channel_status::ok);
    EXPECT_EQ(c.try_send(4), channel_status::would_block);
    EXPECT_EQ(c.send_for(4, 1ms), channel_status::timed_out);
    EXPECT_EQ(c.size(), 3u);
    EXPECT_EQ(c.recv(), 1);
    int got = 0;
    EXPECT_EQ(c.try_recv(got), channel_status::ok);
    EXPECT_EQ(got, 2);
    EXPECT_EQ(c.recv_for(got, 1ms), channel_status::ok);
    EXPECT_EQ(got, 3);
    EXPECT_EQ(c.try_recv(got), channel_status::would_block);
    EXPECT_EQ(c.recv_for(got, 1ms), channel_status::timed_out);
    EXPECT_EQ(got, 3);
    EXPECT_EQ(c.size(), 0u);
  }
}

TEST(channel, without_a_buffer_two_meet) {
  for (const bool user_sends : {true, false}) {
    conc::channel<int> c(0);
    EXPECT_EQ(c.try_send(1), channel_status::would_block);
    int got = 0;
    EXPECT_EQ(c.try_recv(got), channel_status::would_block);
    std::atomic<bool> sent{false};
    crew sender;
    const auto send = [&](int) {
      EXPECT_TRUE(c.send(7));
      sent = true;
    };
    user_sends ? sender.users(1, send) : sender.kernels(1, send);
    EXPECT_TRUE(eventually_waiting(c, role::sender, 1));
    EXPECT_FALSE(sent);  // nobody has come yet
    EXPECT_EQ(c.recv(), 7);
    sender.join();
    crew receiver;
    std::optional<int> value;
    const auto recv = [&](int) { value = c.recv(); };
    user_sends ? receiver.kernels(1, recv) : receiver.users(1, recv);
    while (c.try_send(8) != channel_status::ok) conc::this_thread::yield();
    receiver.join();
    EXPECT_EQ(value, 8);
  }
}

TEST(channel, close_lets_what_is_inside_out_and_nothing_in) {
  conc::channel<std::string> c(2);
  EXPECT_TRUE(c.send("one"));
  EXPECT_TRUE(c.send("two"));
  c.close();
  c.close();
  std::string mine = "a string that is long enough to live on the heap";
  const std::string copy = mine;
  EXPECT_FALSE(c.send(std::move(mine)));
  EXPECT_EQ(c.try_send(std::move(mine)), channel_status::closed);
  EXPECT_EQ(c.send_for(std::move(mine), 1h), channel_status::closed);
  EXPECT_EQ(c.send_until(std::move(mine), steady::now() + 1h), channel_status::closed);
  EXPECT_EQ(mine, copy);
  EXPECT_EQ(c.recv(), "one");
  EXPECT_EQ(c.recv(), "two");
  EXPECT_EQ(c.recv(), std::nullopt);
  EXPECT_EQ(c.try_recv(mine), channel_status::closed);
  EXPECT_EQ(c.recv_for(mine, 1h), channel_status::closed);
  EXPECT_EQ(mine, copy);
}

TEST(channel, close_ends_every_wait) {
  for (const std::size_t capacity : {0u, 2u}) {
    conc::channel<std::unique_ptr<int>> c(capacity);
    std::atomic<int> ended{0};
    crew receivers;
    receivers.mixed(6, [&](int me) {
      std::unique_ptr<int> got;
      EXPECT_TRUE(me < 3 ? c.recv() == std::nullopt
                         : c.recv_for(got, 1h) == channel_status::closed);
      ++ended;
    });
    EXPECT_TRUE(eventually_waiting(c, role::receiver, 6));
    EXPECT_EQ(ended, 0);
    c.close();
    receivers.join();

    conc::channel<std::unique_ptr<int>> full(capacity);
    for (std::size_t i = 0; i < capacity; ++i) EXPECT_TRUE(full.send(std::make_unique<int>(0)));
    crew senders;
    senders.mixed(6, [&](int me) {
      auto mine = std::make_unique<int>(me);
      EXPECT_TRUE(me < 3 ? !full.send(std::move(mine))
                         : full.send_for(std::move(mine), 1h) == channel_status::closed);
      ASSERT_NE(mine, nullptr);  // handed back
      EXPECT_EQ(*mine, me);
    });
    EXPECT_TRUE(eventually_waiting(full, role::sender, 6));
    full.close();
    senders.join();
    for (std::size_t i = 0; i < capacity; ++i) EXPECT_TRUE(full.recv().has_value());
    EXPECT_FALSE(full.recv().has_value());
  }
}

TEST(channel, timed_waits_never_end_early_and_leave_no_trace) {
  conc_test::in_both_worlds([](const char* who) {
    conc::channel<std::string> empty(0), full(1);
    EXPECT_TRUE(full.send("first"));
    for (const auto time : {0ms, 1ms, 8ms, 25ms}) {
      std::string value = "mine";
      auto start = steady::now();
      EXPECT_EQ(empty.recv_for(value, time), channel_status::timed_out) << who;
      EXPECT_GE(steady::now() - start, time) << who;
      start = steady::now();
      EXPECT_EQ(full.send_for(std::move(value), time), channel_status::timed_out) << who;
      EXPECT_GE(steady::now() - start, time) << who;
      EXPECT_EQ(value, "mine") << who;
    }
    std::string value;
    const auto until = std::chrono::system_clock::now() + 10ms;
    EXPECT_EQ(empty.recv_until(value, until), channel_status::timed_out) << who;
    EXPECT_GE(std::chrono::system_clock::now(), until) << who;
    EXPECT_EQ(empty.try_send("nobody waits any more"), channel_status::would_block) << who;
    EXPECT_EQ(full.recv(), "first") << who;
    EXPECT_EQ(full.size(), 0u) << who;
  });
}

TEST(channel, a_timed_wait_takes_what_comes_in_time) {
  for (const std::size_t capacity : {0u, 1u}) {
    conc::channel<int> c(capacity);
    std::atomic<long> sum{0};
    crew receivers;
    receivers.mixed(4, [&](int) {
      int got = 0;
      EXPECT_EQ(c.recv_for(got, 60s), channel_status::ok);
      sum += got;
    });
    crew senders;
    senders.mixed(4, [&](int me) { EXPECT_EQ(c.send_for(1 << me, 60s), channel_status::ok); });
    senders.join();
    receivers.join();
    EXPECT_EQ(sum, 15);
  }
}

// K = 0, for both sides.
TEST(channel, whoever_waits_is_served_in_the_order_of_arrival) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    conc::channel<int> c(0);
    std::vector<conc::thread> all;
    int arrived = 0;
    std::vector<int> got(6);
    for (std::size_t i = 0; i < got.size(); ++i) {
      all.emplace_back([&, i] {
        ++arrived;
        if (i % 2 == 0) {
          got[i] = c.recv().value();
        } else {
          EXPECT_EQ(c.recv_for(got[i], 60s), channel_status::ok);
        }
      });
      ASSERT_TRUE(eventually([&] { return arrived == static_cast<int>(i + 1); }));
    }
    for (int i = 0; i < 6; ++i) EXPECT_EQ(c.try_send(i), channel_status::ok);
    for (auto& t : all) t.join();
    EXPECT_EQ(got, (std::vector<int>{0, 1, 2, 3, 4, 5}));

    all.clear();
    arrived = 0;
    for (int i = 0; i < 6; ++i) {
      all.emplace_back([&, i] {
        ++arrived;
        if (i % 2 == 0) {
          EXPECT_TRUE(c.send(i));
        } else {
          EXPECT_EQ(c.send_for(i, 60s), channel_status::ok);
        }
      });
      ASSERT_TRUE(eventually([&] { return arrived == i + 1; }));
    }
    for (int i = 0; i < 6; ++i) EXPECT_EQ(c.recv(), i);
    for (auto& t : all) t.join();
  });
}

// A newcomer's value never passes one that waits outside a full buffer.
TEST(channel, values_keep_their_order_through_a_full_buffer) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    conc::channel<int> c(2);
    EXPECT_TRUE(c.send(0));
    EXPECT_TRUE(c.send(1));
    std::vector<conc::thread> all;
    int arrived = 0;
    for (int i = 2; i < 5; ++i) {
      all.emplace_back([&, i] {
        ++arrived;
        EXPECT_TRUE(c.send(i));
      });
      ASSERT_TRUE(eventually([&] { return arrived == i - 1; }));
    }
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(c.recv(), i);
      if (i < 3) {
        EXPECT_EQ(c.try_send(99), channel_status::would_block);
      }
    }
    for (auto& t : all) t.join();
  });
}

TEST(channel, passes_between_both_kinds_of_thread) {
  for (const std::size_t capacity : {0u, 1u, 16u}) {
    conc::channel<int> there(capacity), back(capacity);
    const int rounds = scaled(5'000);
    crew()
        .users(1,
               [&](int) {
                 for (int i = 0; i < rounds; ++i) {
                   ASSERT_TRUE(there.send(i));
                   ASSERT_EQ(back.recv(), i + 1);
                 }
               })
        .kernels(1,
                 [&](int) {
                   for (int i = 0; i < rounds; ++i)
                     ASSERT_TRUE(back.send(there.recv().value() + 1));
                 })
        .join();
  }
}

TEST(channel, refuses_a_capacity_that_no_memory_could_hold) {
  struct big {
    char room[1024];
  };
  EXPECT_THROW(conc::channel<big>(std::numeric_limits<std::size_t>::max() / 512),
               std::length_error);
  // The sanitizers' allocators end the process instead.
  if (conc_test::under_tsan || conc_test::under_asan) return;
  EXPECT_THROW(conc::channel<big>(std::size_t{1} << 50), std::bad_alloc);
}

using ChannelDeathTest = conc_test::death_test;

TEST_F(ChannelDeathTest, destroyed_while_a_thread_waits) {
  EXPECT_DEATH(
      {
        auto c = std::make_unique<conc::channel<int>>(0);
        conc::runtime one({.processors = 1});
        one.run([&] {
          conc::thread waiter([&] { (void)c->recv(); });
          conc::this_thread::yield();
          c.reset();
        });
      },
      "a conc::channel was destroyed while threads wait at it");
}

}  // namespace
