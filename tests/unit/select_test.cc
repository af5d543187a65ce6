#include "conc/select.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conc/runtime.h"
#include "support/channel_waiters.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc::channel;
using conc::channel_status;
using conc::on_recv;
using conc::on_send;
using conc_test::crew;
using conc_test::eventually;
using conc_test::eventually_waiting;
using conc_test::role;
using conc_test::scaled;
using steady = std::chrono::steady_clock;

constexpr auto ignore = [](auto&&) {};

TEST(select, does_what_need_not_wait) {
  channel<int> empty(1), full(1);
  ASSERT_TRUE(full.send(5));
  std::optional<int> got;
  bool sent = false;
  EXPECT_EQ(conc::select(on_recv(empty, ignore), on_recv(full, [&](auto v) { got = v; })), 1u);
  EXPECT_EQ(got, 5);
  EXPECT_EQ(conc::select(on_recv(full, ignore), on_send(empty, 6, [&](bool ok) { sent = ok; })),
            1u);
  EXPECT_TRUE(sent);
  EXPECT_EQ(empty.recv(), 6);
}

TEST(select, touches_nothing_but_what_it_serves) {
  channel<std::unique_ptr<int>> a(1), b(0);
  auto x = std::make_unique<int>(1), y = std::make_unique<int>(2);
  EXPECT_EQ(conc::try_select(on_send(a, std::move(x), ignore), on_send(b, std::move(y), ignore)),
            0u);
  EXPECT_EQ(x, nullptr);
  ASSERT_NE(y, nullptr);
  EXPECT_EQ(*y, 2);
  EXPECT_EQ(conc::try_select(on_send(a, std::move(y), ignore), on_send(b, std::move(y), ignore)),
            2u);
  ASSERT_NE(y, nullptr);
  EXPECT_EQ(conc::select_for(1ms, on_send(a, std::move(y), ignore), on_recv(b, ignore)), 2u);
  EXPECT_EQ(conc::select_until(std::chrono::system_clock::now() + 1ms, on_recv(b, ignore)), 1u);
  ASSERT_NE(y, nullptr);
  EXPECT_EQ(*a.recv().value(), 1);
  EXPECT_EQ(b.try_send(std::move(y)), channel_status::would_block);  // nobody is left waiting there
}

TEST(select, a_closed_channel_is_ready) {
  channel<int> open(0), closed(1);
  ASSERT_TRUE(closed.send(1));
  closed.close();
  std::vector<std::optional<int>> got;
  bool sent = true;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(
        conc::select(on_recv(open, ignore), on_recv(closed, [&](auto v) { got.push_back(v); })),
        1u);
  }
  EXPECT_EQ(got, (std::vector<std::optional<int>>{1, std::nullopt}));
  EXPECT_EQ(conc::select(on_send(open, 1, ignore), on_send(closed, 2, [&](bool ok) { sent = ok; })),
            1u);
  EXPECT_FALSE(sent);
}

TEST(select, a_disabled_case_is_left_out) {
  channel<int> a(1), b(1);
  ASSERT_TRUE(a.send(1));
  ASSERT_TRUE(b.send(2));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(conc::select(on_recv(a, ignore).when(false), on_recv(b, ignore)), 1u);
    ASSERT_TRUE(b.send(2));
  }
  EXPECT_EQ(conc::try_select(on_recv(a, ignore).when(false)), 1u);
  EXPECT_EQ(conc::select_for(1ms, on_recv(a, ignore).when(false)), 1u);
  EXPECT_EQ(conc::select_for(1ms), 0u);
}

// Of several that are always ready each is picked, again and again, also if two selects take turns.
TEST(select, starves_none_of_the_ready) {
  channel<int> a(1), b(1), c(1);
  int picked[6] = {};
  for (int i = 0; i < 600; ++i) {
    for (auto* ch : {&a, &b, &c}) (void)ch->try_send(i);
    ++picked[conc::select(on_recv(a, ignore), on_recv(b, ignore), on_recv(c, ignore))];
    for (auto* ch : {&a, &b, &c}) (void)ch->try_send(i);
    ++picked[3 + conc::select(on_recv(c, ignore), on_recv(a, ignore), on_recv(b, ignore))];
  }
  for (const int n : picked) EXPECT_GT(n, 100);
}

TEST(select, waits_for_whichever_comes_first) {
  for (const bool user_waits : {true, false}) {
    channel<int> a(0);
    channel<std::string> b(0);
    channel<int> out(0);
    std::vector<std::string> log;
    crew waiter;
    const auto wait = [&](int) {
      for (int i = 0; i < 3; ++i) {
        conc::select(on_recv(a, [&](auto v) { log.push_back("a" + std::to_string(v.value())); }),
                     on_recv(b, [&](auto v) { log.push_back("b" + v.value()); }),
                     on_send(out, 9, [&](bool ok) { log.push_back(ok ? "sent" : "closed"); }));
      }
    };
    user_waits ? waiter.users(1, wait) : waiter.kernels(1, wait);
    EXPECT_TRUE(b.send("x"));
    EXPECT_EQ(out.recv(), 9);
    EXPECT_TRUE(a.send(1));
    waiter.join();
    EXPECT_EQ(log, (std::vector<std::string>{"bx", "sent", "a1"}));
    EXPECT_EQ(a.try_send(1), channel_status::would_block);
    EXPECT_EQ(b.try_send("y"), channel_status::would_block);
  }
}

TEST(select, close_ends_the_wait) {
  channel<int> a(0), b(0);
  for (const bool receives : {true, false}) {
    channel<int> c(0);
    std::optional<bool> result;
    crew waiter;
    waiter.mixed(1, [&](int) {
      if (receives) {
        conc::select(on_recv(a, ignore), on_recv(c, [&](auto v) { result = v.has_value(); }));
      } else {
        conc::select(on_recv(a, ignore), on_send(c, 1, [&](bool ok) { result = ok; }));
      }
    });
    EXPECT_TRUE(eventually_waiting(c, receives ? role::receiver : role::sender, 1));
    c.close();
    waiter.join();
    EXPECT_EQ(result, false);
  }
}

// Two selects meet in a channel without a buffer; also if they name it twice and in both
// directions.
TEST(select, two_selects_meet) {
  channel<int> c(0), d(0);
  const int rounds = scaled(3'000);
  std::atomic<long> sent{0}, received{0}, balance{0};
  crew()
      .mixed(2,
             [&](int) {
               for (int i = 0; i < rounds; ++i) {
                 conc::select(on_send(c, i, [&](bool) { ++sent, balance += i; }),
                              on_recv(c, [&](auto v) { ++received, balance -= *v; }),
                              on_recv(d, ignore));
               }
             })
      .join();
  EXPECT_EQ(sent, rounds);
  EXPECT_EQ(received, rounds);
  EXPECT_EQ(balance, 0);
}

TEST(select, timed_waits_never_end_early) {
  conc_test::in_both_worlds([](const char* who) {
    channel<int> a(0), b(0);
    for (const auto time : {0ms, 1ms, 8ms, 25ms}) {
      const auto start = steady::now();
      EXPECT_EQ(conc::select_for(time, on_recv(a, ignore), on_send(b, 1, ignore)), 2u) << who;
      EXPECT_GE(steady::now() - start, time) << who;
    }
    EXPECT_EQ(a.try_send(1), channel_status::would_block) << who;
  });
}

TEST(select, a_number_of_cases_that_is_known_at_run_time_only) {
  constexpr int n = 40;
  std::deque<channel<int>> channels;
  for (int i = 0; i < n; ++i) channels.emplace_back(std::size_t{0});
  std::vector<int> got;
  crew senders;
  for (int i = 0; i < n; ++i) {
    senders.mixed(1, [&, i](int) { EXPECT_TRUE(channels[static_cast<std::size_t>(i)].send(i)); });
  }
  const auto note = [&](std::optional<int> v) { got.push_back(*v); };
  std::deque<conc::recv_case<int, decltype(note)>> cases;
  std::vector<conc::select_case*> all;
  for (auto& c : channels) all.push_back(&cases.emplace_back(c, note));
  for (int i = 0; i < n; ++i) {
    const std::size_t chosen = conc::select(all);
    ASSERT_LT(chosen, all.size());
    EXPECT_EQ(got.back(), static_cast<int>(chosen));
    cases[chosen].when(false);
  }
  senders.join();
  EXPECT_EQ(conc::try_select(all), all.size());
}

// K = 0 in each channel's queue: a select stands in line like everybody else.
TEST(select, is_served_in_its_turn) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    channel<int> c(0), other(0);
    int arrived = 0;
    int got[3] = {-1, -1, -1};
    std::vector<conc::thread> all;
    for (int i = 0; i < 3; ++i) {
      all.emplace_back([&, i] {
        ++arrived;
        if (i == 1) {
          conc::select(on_recv(other, ignore), on_recv(c, [&](auto v) { got[1] = *v; }));
        } else {
          got[i] = c.recv().value();
        }
      });
      ASSERT_TRUE(eventually([&] { return arrived == i + 1; }));
    }
    for (int i = 0; i < 3; ++i) EXPECT_EQ(c.try_send(i), channel_status::ok);
    for (auto& t : all) t.join();
    EXPECT_EQ(got[0], 0);
    EXPECT_EQ(got[1], 1);
    EXPECT_EQ(got[2], 2);
  });
}

// Throws when it is moved for the first time.
struct shy {
  int value;
  bool willing;
  shy(int v, bool w) : value(v), willing(w) {}
  shy(shy&& other) : value(other.value), willing(true) {
    if (!std::exchange(other.willing, true)) throw std::runtime_error("not yet");
  }
};

TEST(select, a_move_that_throws_is_the_senders) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    channel<shy> c(1), d(0);
    shy mine(4, false);
    EXPECT_THROW(conc::select(on_send(c, std::move(mine), ignore)), std::runtime_error);
    EXPECT_EQ(conc::select(on_send(c, std::move(mine), ignore)), 0u);  // and nothing is left locked
    EXPECT_EQ(c.recv()->value, 4);

    // The select waits to send; the receiver, whose move fails, goes on waiting.
    shy second(5, false);
    bool threw = false;
    conc::thread sender([&] {
      try {
        conc::select(on_send(d, std::move(second), ignore));
      } catch (const std::runtime_error&) {
        threw = true;
        EXPECT_TRUE(d.send(shy(6, true)));
      }
    });
    conc::this_thread::yield();
    EXPECT_EQ(d.recv()->value, 6);
    sender.join();
    EXPECT_TRUE(threw);

    // The select waits to receive; the sender has the exception, and the select goes on waiting.
    int got = 0;
    conc::thread receiver(
        [&] { conc::select(on_recv(d, [&](auto v) { got = v.value().value; })); });
    conc::this_thread::yield();
    EXPECT_THROW((void)d.send(shy(7, false)), std::runtime_error);
    EXPECT_TRUE(d.send(shy(8, true)));
    receiver.join();
    EXPECT_EQ(got, 8);
  });
}

TEST(select, the_function_may_do_anything) {
  channel<int> c(1);
  int got = 0;
  ASSERT_TRUE(c.send(1));
  conc::select(on_recv(c, [&](auto v) {
    EXPECT_TRUE(c.send(*v + 1));
    conc::select(on_recv(c, [&](auto w) { got = *w; }));
  }));
  EXPECT_EQ(got, 2);
  ASSERT_TRUE(c.send(1));
  EXPECT_THROW(conc::select(on_recv(c, [](auto) { throw std::logic_error("mine"); })),
               std::logic_error);
}

using SelectDeathTest = conc_test::death_test;
TEST_F(SelectDeathTest, that_could_never_end) {
  channel<int> c(0);
  EXPECT_DEATH(conc::select(), "a conc::select without an enabled case would never end");
  EXPECT_DEATH(conc::select(on_recv(c, ignore).when(false)), "would never end");
}

}  // namespace
