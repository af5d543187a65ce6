#include "conc/mesa_monitor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <vector>

#include "conc/guard.h"
#include "conc/monitor.h"
#include "conc/runtime.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/mutex_moments.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually;
using conc_test::eventually_parked;
using conc_test::scaled;
using steady = std::chrono::steady_clock;

static_assert(sizeof(conc::mesa_monitor) == 8);
static_assert(std::is_same_v<conc::monitor, conc::mesa_monitor>);

using waiting_room = conc::mesa_monitor::condition;

// How many wait, asked from outside.
std::size_t waiting(conc::mesa_monitor& m, const waiting_room& c) {
  const conc::guard inside(m);
  return c.size();
}
bool eventually_waiting(conc::mesa_monitor& m, const waiting_room& c, std::size_t wanted) {
  return eventually([&] { return waiting(m, c) == wanted; });
}

TEST(mesa_monitor, a_signal_is_for_who_waits_and_is_not_remembered) {
  conc_test::in_both_worlds([](const char* who) {
    conc::mesa_monitor m;
    waiting_room c(m);
    const conc::guard inside(m);
    EXPECT_TRUE(c.empty());
    c.signal();
    c.broadcast();
    const auto start = steady::now();
    EXPECT_FALSE(c.wait_for(3ms)) << who;
    EXPECT_GE(steady::now() - start, 3ms) << who;
    const auto until = std::chrono::system_clock::now() + 3ms;
    EXPECT_FALSE(c.wait_until(until)) << who;
    EXPECT_GE(std::chrono::system_clock::now(), until) << who;
    EXPECT_FALSE(c.wait_until(steady::time_point::min())) << who;
    EXPECT_TRUE(c.empty()) << who;
  });
}

// Three conditions of one monitor; each signal reaches its own.
TEST(mesa_monitor, conditions_are_told_apart) {
  conc::mesa_monitor m;
  waiting_room rooms[3] = {waiting_room(m), waiting_room(m), waiting_room(m)};
  int woken[3] = {};
  crew waiters;
  waiters.mixed(6, [&](int me) {
    const conc::guard inside(m);
    rooms[me % 3].wait();
    ++woken[me % 3];
  });
  for (const auto& c : rooms) ASSERT_TRUE(eventually_waiting(m, c, 2));
  for (int i = 0; i < 2; ++i) {
    const conc::guard inside(m);
    rooms[1].signal();
  }
  ASSERT_TRUE(eventually([&] {
    const conc::guard inside(m);
    return woken[1] == 2;
  }));
  {
    const conc::guard inside(m);
    EXPECT_EQ(woken[0] + woken[2], 0);
    EXPECT_EQ(rooms[0].size(), 2u);
    EXPECT_TRUE(rooms[1].empty());
    rooms[0].broadcast();
    rooms[2].broadcast();
    EXPECT_TRUE(rooms[0].empty() && rooms[2].empty());
  }
  waiters.join();
  EXPECT_EQ(woken[0], 2);
  EXPECT_EQ(woken[2], 2);
}

// The least rank first, then who came first; wherever in the queue a rank belongs.
TEST(mesa_monitor, a_signal_goes_to_the_least_rank) {
  conc::mesa_monitor m;
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
  for (std::size_t i = 1; i <= ranks.size(); ++i) {
    {
      const conc::guard inside(m);
      EXPECT_EQ(c.least_rank(), std::vector<unsigned>({0, 1, 2, 2, 3, 5, 5, 7, 9, 9})[i - 1]);
      c.signal();
    }
    ASSERT_TRUE(eventually([&] {
      const conc::guard inside(m);
      return order.size() == i;
    }));
  }
  waiters.join();
  EXPECT_EQ(order, (std::vector<std::size_t>{9, 6, 1, 3, 8, 0, 5, 4, 2, 7}));
}

// The monitor stays the signaller's until it leaves.
TEST(mesa_monitor, a_signaller_goes_on) {
  conc::mesa_monitor m;
  waiting_room c(m);
  bool inside_alone = true, woken = false;
  crew waiter;
  waiter.mixed(2, [&](int) {
    const conc::guard inside(m);
    c.wait();
    if (!inside_alone) woken = true;
  });
  ASSERT_TRUE(eventually_waiting(m, c, 2));
  {
    const conc::guard inside(m);
    c.broadcast();
    for (int i = 0; i < 100; ++i) conc::this_thread::yield();
    inside_alone = false;
    EXPECT_FALSE(woken);
  }
  waiter.join();
  EXPECT_TRUE(woken);
}

// The deadline has passed, and the waiter is at the door, when the signal comes: it went to him and
// to nobody else, so he must not say that there was none.
TEST(mesa_monitor, a_signal_before_a_late_waiter_is_in_counts) {
  int arranged = 0;
  for (int round = 0; round < 200 && arranged < 10; ++round) {
    conc::mesa_monitor m;
    waiting_room c(m);
    std::atomic<bool> left{false};
    bool signalled = false, in_time = false;
    crew waiter;
    const auto wait = [&](int) {
      {
        const conc::guard inside(m);
        signalled = c.wait_for(10ms);
      }
      left = true;
    };
    round % 2 == 0 ? waiter.users(1, wait) : waiter.kernels(1, wait);
    while (!in_time && !left) {  // else this machine was too slow: once more
      const conc::guard inside(m);
      in_time = !c.empty();
      if (!in_time) continue;
      ASSERT_TRUE(eventually_parked(&m, 1));
      c.signal();
    }
    waiter.join();
    if (!in_time) continue;
    ++arranged;
    ASSERT_TRUE(signalled);
  }
  EXPECT_EQ(arranged, 10);
}

TEST(mesa_monitor, an_exception_leaves) {
  conc::mesa_monitor m;
  EXPECT_THROW(
      {
        const std::lock_guard inside(m);
        throw std::runtime_error("inside");
      },
      std::runtime_error);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST(mesa_monitor, the_oldest_at_the_door_is_passed_at_most_k_times) {
  using monitor = conc::mesa_monitor;
  const auto parked = [](monitor& m) { return conc_test::parked_at(&m); };
  EXPECT_EQ(conc_test::bypasses_until_entry<monitor>(false, parked), monitor::max_bypass);
}

// Bounded buffer, one condition for each direction, deadlines now and then: nothing is lost, nobody
// is left behind, and the monitor is gone as soon as the last one may leave.
TEST(mesa_monitor, carries_a_bounded_buffer) {
  struct buffer {
    conc::mesa_monitor monitor;
    waiting_room not_full{monitor}, not_empty{monitor};
    int items = 0;
  };
  const int rounds = scaled(4'000);
  for (int i = 0; i < 4; ++i) {
    auto b = std::make_unique<buffer>();
    std::atomic<long> put{0}, got{0};
    crew all;
    all.mixed(8, [&](int me) {
      std::minstd_rand random(static_cast<unsigned>(me + 1));
      for (int n = 0; n < rounds; ++n) {
        const conc::guard inside(b->monitor);
        const bool producer = me < 4;
        waiting_room& mine = producer ? b->not_full : b->not_empty;
        while (b->items == (producer ? 2 : 0)) {
          if (random() % 4 != 0) {
            mine.wait(random() % 3);
          } else {
            mine.wait_for(std::chrono::microseconds(random() % 50), random() % 3);
          }
        }
        b->items += producer ? 1 : -1;
        ASSERT_TRUE(b->items >= 0 && b->items <= 2);
        (producer ? put : got) += 1;
        (producer ? b->not_empty : b->not_full).signal();
      }
    });
    all.join();
    EXPECT_EQ(put, 4L * rounds);
    EXPECT_EQ(got, 4L * rounds);
    EXPECT_EQ(b->items, 0);
  }
}

// The one who was signalled last destroys the monitor as soon as it has left it.
TEST(mesa_monitor, is_destroyed_by_the_last_to_leave) {
  struct object {
    conc::mesa_monitor monitor;
    waiting_room c{monitor};
    bool done = false;
  };
  for (int round = 0; round < scaled(2'000); ++round) {
    auto o = std::make_unique<object>();
    crew both;
    both.mixed(1, [&](int) {
      {
        const conc::guard inside(o->monitor);
        while (!o->done) o->c.wait();
      }
      o.reset();
    });
    const auto signal = [where = o.get()](int) {
      const conc::guard inside(where->monitor);
      where->done = true;
      where->c.signal();
    };
    round % 2 == 0 ? both.users(1, signal) : both.kernels(1, signal);
    both.join();
  }
}

using MesaMonitorDeathTest = conc_test::death_test;

TEST_F(MesaMonitorDeathTest, misuse_has_a_message) {
  conc::mesa_monitor m;
  waiting_room c(m);
  EXPECT_DEATH(c.wait(), "a monitor's condition was waited for from outside");
  EXPECT_DEATH(c.signal(), "a monitor's condition was signalled from outside");
  EXPECT_DEATH(c.broadcast(), "a monitor's condition was signalled from outside");
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
