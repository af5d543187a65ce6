#include "conc/condition_variable_any.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <stop_token>
#include <vector>

#include "conc/mutex.h"
#include "conc/shared_mutex.h"
#include "conc/thread.h"
#include "conc/ticket_lock.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually;
using MisuseDeathTest = conc_test::death_test;
using steady = std::chrono::steady_clock;

static_assert(sizeof(conc::condition_variable_any) == 16);

// A lock of the program's own, BasicLockable and no more, whose unlock() waits itself: the place in
// the parking table belongs to that wait then.
struct slow_lock {
  conc::mutex inner;
  conc::mutex other;
  void lock() { inner.lock(); }
  void unlock() {
    const std::lock_guard guard(other);
    conc::this_thread::sleep_for(std::chrono::microseconds(10));
    inner.unlock();
  }
};

template <class Lock>
class any_test : public testing::Test {};
using locks =
    testing::Types<conc::mutex, conc::timed_mutex, conc::recursive_mutex,
                   conc::recursive_timed_mutex, conc::shared_mutex, conc::ticket_lock, slow_lock>;
TYPED_TEST_SUITE(any_test, locks);

// A bounded buffer between both kinds of thread, with notify_one only.
TYPED_TEST(any_test, a_bounded_buffer_loses_nothing) {
  TypeParam m;
  conc::condition_variable_any not_full, not_empty;
  int items = 0;
  long eaten = 0;
  const int each = conc_test::scaled(500);
  crew all;
  all.mixed(3, [&](int) {
    for (int i = 0; i < each; ++i) {
      std::unique_lock lock(m);
      not_full.wait(lock, [&] { return items < 2; });
      ++items;
      not_empty.notify_one();
    }
  });
  all.mixed(3, [&](int) {
    for (int i = 0; i < each; ++i) {
      std::unique_lock lock(m);
      not_empty.wait(lock, [&] { return items > 0; });
      --items;
      ++eaten;
      lock.unlock();
      not_full.notify_one();
    }
  });
  all.join();
  EXPECT_EQ(eaten, 3L * each);
}

// Whether somebody waits cannot be seen in the parking table; so waiters count themselves, under
// the lock that wait() gives back only once they can be found.
TEST(condition_variable_any, notify_one_wakes_exactly_one_and_the_oldest_first) {
  constexpr int n = 6;
  conc::mutex m;
  conc::condition_variable_any cv;
  std::vector<int> order;
  int waiting = 0;
  crew waiters;
  for (int i = 0; i < n; ++i) {
    const auto wait = [&](int me) {
      std::unique_lock lock(m);
      ++waiting;
      cv.wait(lock);
      order.push_back(me);
    };
    i % 2 == 0 ? waiters.users(1, wait) : waiters.kernels(1, wait);
    ASSERT_TRUE(eventually([&] {
      const std::lock_guard guard(m);
      return waiting == i + 1;
    }));
  }
  for (int i = 0; i < n; ++i) {
    cv.notify_one();
    ASSERT_TRUE(eventually([&] {
      const std::lock_guard guard(m);
      return static_cast<int>(order.size()) == i + 1;
    }));
  }
  waiters.join();
  for (int i = 0; i < n; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(condition_variable_any, notify_all_wakes_readers_who_share_a_lock) {
  conc::shared_mutex m;
  conc::condition_variable_any cv;
  std::atomic<int> waiting{0}, woken{0};
  bool set = false;
  crew waiters;
  waiters.mixed(8, [&](int) {
    std::shared_lock lock(m);
    ++waiting;
    cv.wait(lock, [&] { return set; });
    ++woken;
  });
  ASSERT_TRUE(eventually([&] { return waiting == 8; }));
  {
    const std::lock_guard guard(m);
    set = true;
  }
  cv.notify_all();
  waiters.join();
  EXPECT_EQ(woken, 8);
}

TEST(condition_variable_any, a_timed_wait_never_ends_early) {
  conc_test::in_both_worlds([](const char* who) {
    conc::mutex m;
    conc::condition_variable_any cv;
    std::unique_lock lock(m);
    for (const auto time : {0ms, 1ms, 7ms, 25ms}) {
      const auto start = steady::now();
      EXPECT_EQ(cv.wait_for(lock, time), conc::cv_status::timeout) << who;
      EXPECT_GE(steady::now() - start, time) << who;
      EXPECT_TRUE(lock.owns_lock()) << who;
    }
    const auto by_wall = std::chrono::system_clock::now() + 10ms;
    EXPECT_EQ(cv.wait_until(lock, by_wall), conc::cv_status::timeout) << who;
    EXPECT_GE(std::chrono::system_clock::now(), by_wall) << who;
    EXPECT_EQ(cv.wait_until(lock, steady::time_point::min()), conc::cv_status::timeout) << who;
    EXPECT_FALSE(cv.wait_for(lock, 5ms, [] { return false; })) << who;
    EXPECT_TRUE(cv.wait_for(lock, 0ms, [] { return true; })) << who;
    EXPECT_FALSE(cv.wait_for(lock, std::stop_token(), 5ms, [] { return false; })) << who;
    EXPECT_TRUE(cv.wait_until(lock, std::stop_token(), by_wall, [] { return true; })) << who;
  });
}

TEST(condition_variable_any, a_stop_request_ends_the_wait_of_its_token_and_no_other) {
  conc_test::in_both_worlds([](const char* who) {
    conc::mutex m;
    conc::condition_variable_any cv;
    std::stop_source mine, others;
    bool set = false;
    int waiting = 0, stopped = 0, served = 0, looks = 0;
    crew waiters;
    const auto wait_with = [&](std::stop_token token, bool& answer) {
      std::unique_lock lock(m);
      ++waiting;
      answer = cv.wait(lock, token, [&] {
        ++looks;
        return set;
      });
      EXPECT_TRUE(lock.owns_lock());
    };
    waiters.mixed(4, [&](int me) {
      bool answer = false;
      wait_with(me < 2 ? mine.get_token() : others.get_token(), answer);
      const std::lock_guard guard(m);
      ++(answer ? served : stopped);
    });
    const auto under_lock = [&](auto condition) {
      return eventually([&] {
        const std::lock_guard guard(m);
        return condition();
      });
    };
    ASSERT_TRUE(under_lock([&] { return waiting == 4; })) << who;
    const int before = looks;
    mine.request_stop();
    ASSERT_TRUE(under_lock([&] { return stopped == 2; })) << who;
    EXPECT_EQ(looks, before + 2) << "nobody else was woken; " << who;
    {
      const std::lock_guard guard(m);
      set = true;
    }
    cv.notify_all();
    waiters.join();
    EXPECT_EQ(served, 2) << who;
  });
}

TEST(condition_variable_any, a_request_made_before_the_wait_is_seen) {
  conc::mutex m;
  conc::condition_variable_any cv;
  std::stop_source source;
  source.request_stop();
  std::unique_lock lock(m);
  EXPECT_FALSE(cv.wait(lock, source.get_token(), [] { return false; }));
  EXPECT_TRUE(cv.wait(lock, source.get_token(), [] { return true; }));
  EXPECT_FALSE(cv.wait_for(lock, source.get_token(), 1h, [] { return false; }));
  // And one that is made inside the predicate, after which the wait would begin.
  std::stop_source late;
  EXPECT_FALSE(cv.wait(lock, late.get_token(), [&] {
    late.request_stop();
    return false;
  }));
  EXPECT_TRUE(lock.owns_lock());
}

TEST(condition_variable_any, works_with_a_jthreads_own_token) {
  conc::mutex m;
  conc::condition_variable_any cv;
  bool stopped = false;
  {
    conc::jthread waiter([&](std::stop_token stop) {
      std::unique_lock lock(m);
      stopped = !cv.wait(lock, stop, [] { return false; });
    });
  }
  EXPECT_TRUE(stopped);
}

TEST(condition_variable_any, can_be_destroyed_once_all_are_notified) {
  conc::mutex m;
  auto cv = std::make_unique<conc::condition_variable_any>();
  int waiting = 0;
  crew waiters;
  waiters.mixed(4, [&](int me) {
    std::unique_lock lock(m);
    ++waiting;
    if (me % 2 == 0) {
      cv->wait(lock);
    } else {
      EXPECT_EQ(cv->wait_for(lock, 1h), conc::cv_status::no_timeout);
    }
  });
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard guard(m);
    return waiting == 4;
  }));
  const std::lock_guard guard(m);  // so that none of them has returned
  cv->notify_all();
  cv.reset();
}

struct throwing_lock {
  conc::mutex inner;
  bool throws = false;
  void lock() { inner.lock(); }
  void unlock() {
    if (throws) throw std::runtime_error("stays locked");
    inner.unlock();
  }
};

// The predicate's, and the unlock's: the caller does not wait any more, and the object can go.
TEST(condition_variable_any, an_exception_leaves_the_wait) {
  conc_test::in_both_worlds([](const char* who) {
    throwing_lock l;
    auto cv = std::make_unique<conc::condition_variable_any>();
    l.lock();
    EXPECT_THROW(cv->wait(l, []() -> bool { throw 1; }), int) << who;
    l.throws = true;
    EXPECT_THROW(cv->wait(l), std::runtime_error) << who;
    std::stop_source source;
    EXPECT_THROW(cv->wait(l, source.get_token(), [] { return false; }), std::runtime_error) << who;
    cv.reset();
    l.throws = false;
    l.unlock();
  });
}

TEST_F(MisuseDeathTest, condition_variable_any_whose_lock_cannot_be_had_again) {
  struct no_way_back {
    conc::mutex inner;
    bool once = false;
    void lock() {
      if (once) throw std::runtime_error("no way back");
      once = true;
      inner.lock();
    }
    void unlock() { inner.unlock(); }
  };
  EXPECT_DEATH(
      {
        no_way_back l;
        conc::condition_variable_any cv;
        l.lock();
        try {
          cv.wait_for(l, 1ms);
        } catch (...) {
        }
        _exit(0);
      },
      "terminate called");
}

TEST_F(MisuseDeathTest, condition_variable_any_destroyed_with_a_waiter) {
  EXPECT_DEATH(
      {
        conc::mutex m;
        auto cv = std::make_unique<conc::condition_variable_any>();
        bool waits = false;
        conc::thread waiter([&] {
          std::unique_lock lock(m);
          waits = true;
          cv->wait(lock);
        });
        if (eventually([&] {
              const std::lock_guard guard(m);
              return waits;
            })) {
          cv.reset();
        }
      },
      "a condition_variable_any was destroyed while threads wait for it");
}

}  // namespace
