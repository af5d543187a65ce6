#include "conc/event_count.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "conc/runtime.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually;
using conc_test::eventually_parked;
using conc_test::scaled;
using steady = std::chrono::steady_clock;

static_assert(sizeof(conc::event_count) == 8 && sizeof(conc::sequencer) == 8);

TEST(event_count, counts_and_does_not_wait_for_what_has_happened) {
  conc::event_count e;
  EXPECT_EQ(e.read(), 0u);
  e.await(0);
  e.advance();
  e.advance(2);
  e.advance(0);
  EXPECT_EQ(e.read(), 3u);
  e.await(3);
  e.await(1);
  EXPECT_TRUE(e.await_for(3, 0ms));
  EXPECT_TRUE(e.await_until(2, steady::time_point::min()));
  EXPECT_FALSE(e.await_until(4, std::chrono::system_clock::now() - 1s));
  const conc::event_count& for_readers = e;
  for_readers.await(for_readers.read());
}

TEST(event_count, an_advance_wakes_those_whose_value_is_reached_and_no_others) {
  conc::event_count e;
  std::atomic<int> woken[4] = {};
  crew waiters;
  waiters.mixed(8, [&](int me) {
    const auto value = static_cast<unsigned>(me % 4);  // each once for each kind of thread
    e.await(value + 1);
    EXPECT_GE(e.read(), value + 1);
    ++woken[value];
  });
  ASSERT_TRUE(eventually_parked(&e, 8));
  e.advance();
  ASSERT_TRUE(eventually([&] { return woken[0] == 2; }));
  EXPECT_EQ(conc_test::parked_at(&e), 6);
  e.advance(2);
  ASSERT_TRUE(eventually([&] { return woken[1] == 2 && woken[2] == 2; }));
  EXPECT_EQ(conc_test::parked_at(&e), 2);
  EXPECT_EQ(woken[3], 0);
  e.advance(100);
  waiters.join();
  EXPECT_EQ(woken[3], 2);
  EXPECT_EQ(conc_test::parked_at(&e), 0);
}

// Least value first, then the order of arrival; whatever the order in which they came.
TEST(event_count, waiters_queue_in_the_order_of_their_values) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    conc::event_count e;
    std::vector<conc::thread> all;
    std::vector<std::uint32_t> ids;
    for (const unsigned value : {5u, 2u, 9u, 2u, 7u, 5u, 1u, 9u, 3u}) {
      all.emplace_back([&, value] {
        ids.push_back(conc::detail::current_head().id);
        e.await(value);
      });
      ASSERT_TRUE(eventually([&] { return ids.size() == all.size(); }));
    }
    std::vector<std::uint32_t> queue;
    {
      conc::detail::parking_bucket& b = conc::detail::bucket_of(&e);
      const conc::detail::internal_lock_guard guard(b.lock);
      auto* t = conc::detail::first_waiter(b, &e);
      for (auto* before = t; t != nullptr; before = t, t = t->next_waiter) {
        EXPECT_TRUE(before == t || t->prev_waiter == before);
        queue.push_back(t->id);
      }
    }
    std::vector<std::uint32_t> wanted;
    for (const int i : {6, 1, 3, 8, 0, 5, 4, 2, 7})
      wanted.push_back(ids[static_cast<std::size_t>(i)]);
    EXPECT_EQ(queue, wanted);
    e.advance(4);
    ASSERT_TRUE(eventually_parked(&e, 5));
    e.advance(5);
    for (auto& t : all) t.join();
  });
}

TEST(event_count, a_timed_await_never_ends_early_and_leaves_no_trace) {
  conc_test::in_both_worlds([](const char* who) {
    conc::event_count e;
    for (const auto time : {0ms, 1ms, 8ms, 25ms}) {
      const auto start = steady::now();
      EXPECT_FALSE(e.await_for(1, time)) << who;
      EXPECT_GE(steady::now() - start, time) << who;
      EXPECT_EQ(conc_test::parked_at(&e), 0) << who;
    }
    const auto until = std::chrono::system_clock::now() + 10ms;
    EXPECT_FALSE(e.await_until(1, until)) << who;
    EXPECT_GE(std::chrono::system_clock::now(), until) << who;
    e.advance();
    EXPECT_TRUE(e.await_for(1, 0ms)) << who;
  });
}

TEST(event_count, a_deadline_in_the_middle_leaves_the_other_waiters) {
  conc::event_count e;
  std::atomic<int> gave_up{0};
  crew waiters;
  waiters.mixed(6, [&](int me) {
    if (me % 3 == 1) {
      EXPECT_FALSE(e.await_for(2, 1ms));
      ++gave_up;
    } else {
      e.await(static_cast<unsigned>(1 + me % 3));
    }
  });
  ASSERT_TRUE(eventually([&] { return gave_up == 2; }));
  ASSERT_TRUE(eventually_parked(&e, 4));
  e.advance(3);
  waiters.join();
}

// The count has reached the value, but the one who advanced it has not reached the waiter yet when
// the deadline passes. The bucket's lock holds both up in the meantime.
TEST(event_count, an_advance_on_its_way_at_the_deadline_counts) {
  int arranged = 0;
  for (int round = 0; round < 200 && arranged < 10; ++round) {
    conc::event_count e;
    conc::detail::parking_bucket& bucket = conc::detail::bucket_of(&e);
    steady::time_point deadline;
    bool reached = false;
    crew waiter, advancer;
    const auto wait = [&](int) {
      deadline = steady::now() + 10ms;
      reached = e.await_until(1, deadline);
    };
    round % 2 == 0 ? waiter.users(1, wait) : waiter.kernels(1, wait);
    bool in_time = eventually_parked(&e, 1) && steady::now() < deadline - 2ms;
    if (in_time) {
      bucket.lock.lock();
      in_time = conc::detail::first_waiter(bucket, &e) != nullptr;
      if (in_time) {
        advancer.kernels(1, [&](int) { e.advance(); });
        while (e.read() == 0) std::this_thread::yield();
        std::this_thread::sleep_until(deadline + 2ms);
      }
      bucket.lock.unlock();
    }
    waiter.join();
    advancer.join();
    if (!in_time) continue;  // this machine was too slow: once more
    ++arranged;
    ASSERT_TRUE(reached);
  }
  EXPECT_EQ(arranged, 10);
}

TEST(sequencer, hands_out_each_number_once_and_in_order) {
  conc::sequencer s;
  const int rounds = scaled(20'000);
  std::vector<std::vector<std::uint64_t>> got(6);
  crew()
      .mixed(6,
             [&](int me) {
               for (int i = 0; i < rounds; ++i) {
                 got[static_cast<std::size_t>(me)].push_back(s.ticket());
               }
             })
      .join();
  std::vector<bool> seen(6 * static_cast<std::size_t>(rounds));
  for (const auto& mine : got) {
    for (std::size_t i = 0; i < mine.size(); ++i) {
      ASSERT_LT(mine[i], seen.size());
      ASSERT_FALSE(seen[mine[i]]);
      ASSERT_TRUE(i == 0 || mine[i] > mine[i - 1]);
      seen[mine[i]] = true;
    }
  }
}

// The two together: a ticket lock that blocks.
class ticket_lock {
 public:
  void lock() noexcept { served_.await(tickets_.ticket()); }
  void unlock() noexcept { served_.advance(); }

 private:
  conc::sequencer tickets_;
  conc::event_count served_;
};

TEST(event_count, with_a_sequencer_makes_a_lock) {
  ticket_lock lock;
  int inside = 0;
  long entries = 0;
  const int rounds = scaled(3'000);
  crew()
      .mixed(8,
             [&](int) {
               for (int i = 0; i < rounds; ++i) {
                 lock.lock();
                 ++inside;
                 if (i % 64 == 0) conc::this_thread::yield();
                 EXPECT_EQ(inside, 1);
                 --inside;
                 ++entries;
                 lock.unlock();
               }
             })
      .join();
  EXPECT_EQ(entries, 8L * rounds);
}

// Many wait for many values, some with deadlines, while several advance: everybody gets what he is
// owed, and nobody too early.
TEST(event_count, deadlines_race_with_advances) {
  conc::event_count e;
  std::atomic<bool> stop{false};
  std::atomic<long> early{0}, reached{0}, late{0};
  crew all;
  all.mixed(6, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 1));
    while (!stop) {
      const std::uint64_t value = e.read() + random() % 4;
      if (me % 3 == 0) {
        e.await(value);  // the advancers go on until all have left
        if (e.read() < value) ++early;
        continue;
      }
      const auto until = steady::now() + std::chrono::microseconds(random() % 60);
      if (e.await_until(value, until)) {
        if (e.read() < value) ++early;
        ++reached;
      } else {
        if (steady::now() < until) ++early;
        ++late;
      }
    }
  });
  std::atomic<bool> all_left{false};
  crew advancers;
  advancers.mixed(2, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 77));
    while (!all_left) {
      e.advance(random() % 3);
      if (random() % 8 == 0) {
        conc::this_thread::sleep_for(std::chrono::microseconds(random() % 60));
      } else {
        conc::this_thread::yield();
      }
    }
  });
  const long wanted = scaled(20'000);
  EXPECT_TRUE(eventually([&] { return reached + late >= wanted; }));
  stop = true;
  all.join();
  all_left = true;
  advancers.join();
  EXPECT_EQ(early, 0);
  EXPECT_EQ(conc_test::parked_at(&e), 0);
}

using EventCountDeathTest = conc_test::death_test;

TEST_F(EventCountDeathTest, misuse_has_a_message) {
  EXPECT_DEATH(
      {
        conc::event_count e;
        e.advance(conc::event_count::max());
        e.advance();
      },
      "an event_count was advanced beyond its maximum");
  EXPECT_DEATH(
      {
        conc::event_count e;
        e.advance(conc::event_count::max() + 1);
      },
      "an event_count was advanced beyond its maximum");
  EXPECT_DEATH(
      {
        auto e = std::make_unique<conc::event_count>();
        conc::thread waiter([&] { e->await(1); });
        if (eventually_parked(e.get(), 1)) e.reset();
      },
      "an event_count was destroyed while threads wait for it");
}

}  // namespace
