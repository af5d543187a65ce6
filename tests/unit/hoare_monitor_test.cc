#include "conc/hoare_monitor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "conc/guard.h"
#include "conc/runtime.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/mutex_moments.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::eventually;
using conc_test::eventually_parked;
using conc_test::scaled;
using waiting_room = conc::hoare_monitor::condition;

std::size_t waiting(conc::hoare_monitor& m, const waiting_room& c) {
  const conc::guard inside(m);
  return c.size();
}
bool eventually_waiting(conc::hoare_monitor& m, const waiting_room& c, std::size_t wanted) {
  return eventually([&] { return waiting(m, c) == wanted; });
}

// What was signalled holds when the waiter goes on, though others wait at the door and are faster;
// the signaller goes on when the waiter has left, before all of those.
TEST(hoare_monitor, a_signal_hands_the_monitor_over_and_the_signaller_is_next) {
  conc_test::in_both_worlds([](const char* who) {
    for (const bool user : {true, false}) {
      conc::hoare_monitor m;
      waiting_room c(m);
      std::string story;
      crew others;
      const auto wait = [&](int) {
        const conc::guard inside(m);
        c.wait();
        story += 'w';
      };
      user ? others.users(1, wait) : others.kernels(1, wait);
      ASSERT_TRUE(eventually_waiting(m, c, 1)) << who;
      m.lock();
      others.mixed(4, [&](int) {
        const conc::guard inside(m);
        story += '.';
      });
      ASSERT_TRUE(eventually_parked(&m, 4)) << who;
      story += 's';
      c.signal();
      story += 'S';
      m.unlock();
      others.join();
      EXPECT_EQ(story, "swS....") << who;
    }
  });
}

// A waiter that waits again, instead of leaving, also lets the signaller go on; several who are
// urgent go on in the order in which they signalled.
TEST(hoare_monitor, the_urgent_go_on_in_their_order_before_anybody_enters) {
  conc::hoare_monitor m;
  waiting_room a(m), b(m), again(m);
  std::string story;
  crew all;
  all.users(1, [&](int) {
    const conc::guard inside(m);
    a.wait();
    story += 'a';
    b.signal();
    story += 'A';
  });
  all.kernels(1, [&](int) {
    const conc::guard inside(m);
    b.wait();
    story += 'b';
    again.wait();
    story += 'B';
  });
  ASSERT_TRUE(eventually_waiting(m, a, 1) && eventually_waiting(m, b, 1));
  m.lock();
  all.mixed(2, [&](int) {
    const conc::guard inside(m);
    story += '.';
  });
  ASSERT_TRUE(eventually_parked(&m, 2));
  a.signal();  // to the first, who signals the second, who waits again: we are first, then it
  story += 's';
  again.signal();
  story += 'S';
  m.unlock();
  all.join();
  EXPECT_EQ(story, "absBAS..");
}

TEST(hoare_monitor, a_signal_to_nobody_is_not_remembered) {
  conc::hoare_monitor m;
  waiting_room c(m);
  {
    const conc::guard inside(m);
    EXPECT_TRUE(c.empty());
    c.signal();
  }
  bool woken = false;
  crew waiter;
  waiter.mixed(1, [&](int) {
    const conc::guard inside(m);
    c.wait();
    woken = true;
  });
  ASSERT_TRUE(eventually_waiting(m, c, 1));
  const conc::guard inside(m);
  EXPECT_FALSE(woken);
  c.signal();
  EXPECT_TRUE(woken);
}

TEST(hoare_monitor, a_signal_goes_to_the_least_rank) {
  conc::hoare_monitor m;
  waiting_room c(m);
  const std::vector<unsigned> ranks = {5, 2, 9, 2, 7, 5, 1, 9, 3, 0};
  std::vector<std::size_t> order;
  crew waiters;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    waiters.mixed(1, [&, i](int) {
      const conc::guard inside(m);
      c.wait(ranks[i]);
      order.push_back(i);
    });
    ASSERT_TRUE(eventually_waiting(m, c, i + 1));
  }
  {
    const conc::guard inside(m);
    EXPECT_EQ(c.least_rank(), 0u);
    while (!c.empty()) c.signal();
  }
  waiters.join();
  EXPECT_EQ(order, (std::vector<std::size_t>{9, 6, 1, 3, 8, 0, 5, 4, 2, 7}));
}

TEST(hoare_monitor, an_exception_leaves_and_lets_the_urgent_go_on) {
  conc::hoare_monitor m;
  waiting_room c(m);
  crew waiter;
  waiter.mixed(1, [&](int) {
    EXPECT_THROW(
        {
          const std::lock_guard inside(m);
          c.wait();
          throw std::runtime_error("inside");
        },
        std::runtime_error);
  });
  ASSERT_TRUE(eventually_waiting(m, c, 1));
  {
    const conc::guard inside(m);
    c.signal();
  }
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST(hoare_monitor, the_oldest_at_the_door_is_passed_at_most_k_times) {
  using monitor = conc::hoare_monitor;
  const auto parked = [](monitor& m) { return conc_test::parked_at(&m); };
  EXPECT_EQ(conc_test::bypasses_until_entry<monitor>(false, parked), monitor::max_bypass);
}

// A bounded buffer with `if` where a Mesa monitor needs `while`; passers-by enter all the time.
TEST(hoare_monitor, carries_a_bounded_buffer_without_looking_again) {
  struct buffer {
    conc::hoare_monitor monitor;
    waiting_room not_full{monitor}, not_empty{monitor};
    int items = 0, inside = 0;
  };
  const int rounds = scaled(4'000);
  buffer b;
  std::atomic<bool> over{false};
  crew passers;
  passers.mixed(2, [&](int) {
    while (!over) {
      {
        const conc::guard inside(b.monitor);
        ASSERT_EQ(++b.inside, 1);
        --b.inside;
      }
      conc::this_thread::yield();
    }
  });
  crew all;
  all.mixed(8, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 1));
    const bool producer = me < 4;
    for (int n = 0; n < rounds; ++n) {
      const conc::guard inside(b.monitor);
      if (b.items == (producer ? 2 : 0)) (producer ? b.not_full : b.not_empty).wait(random() % 3);
      ASSERT_EQ(++b.inside, 1);
      b.items += producer ? 1 : -1;
      ASSERT_TRUE(b.items >= 0 && b.items <= 2);
      --b.inside;
      (producer ? b.not_empty : b.not_full).signal();
    }
  });
  all.join();
  over = true;
  passers.join();
  EXPECT_EQ(b.items, 0);
}

// The signaller goes on because the waiter has left, and destroys the monitor under its feet.
TEST(hoare_monitor, is_destroyed_as_soon_as_nobody_is_inside) {
  struct object {
    conc::hoare_monitor monitor;
    waiting_room c{monitor};
  };
  for (int round = 0; round < scaled(2'000); ++round) {
    auto o = std::make_unique<object>();
    crew both;
    both.mixed(1, [there = o.get()](int) {
      const conc::guard inside(there->monitor);
      there->c.wait();
    });
    const auto signal = [&o](int) {
      for (bool somebody = false; !somebody; conc::this_thread::yield()) {
        const conc::guard inside(o->monitor);
        somebody = !o->c.empty();
        o->c.signal();
      }
      o.reset();
    };
    round % 2 == 0 ? both.users(1, signal) : both.kernels(1, signal);
    both.join();
  }
}

using HoareMonitorDeathTest = conc_test::death_test;

TEST_F(HoareMonitorDeathTest, misuse_has_a_message) {
  conc::hoare_monitor m;
  waiting_room c(m);
  EXPECT_DEATH(c.wait(), "a monitor's condition was waited for from outside");
  EXPECT_DEATH(c.signal(), "a monitor's condition was signalled from outside");
  EXPECT_DEATH(m.unlock(), "unlocked that nobody holds");
  EXPECT_DEATH(
      {
        auto gone = std::make_unique<waiting_room>(m);
        conc::thread waiter([&] {
          m.lock();
          gone->wait();
        });
        if (eventually_waiting(m, *gone, 1)) gone.reset();
      },
      "a monitor's condition was destroyed while threads wait for it");
}

}  // namespace
