// What is left to a thread's end: set_value_at_thread_exit() and its like.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "conc/conc.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::in_both_worlds;

template <class F>
void expect_code(std::future_errc code, F f) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::future_error& e) {
    EXPECT_EQ(e.code(), std::make_error_code(code));
  }
}

template <class T>
bool is_ready(const conc::future<T>& f) {
  return f.wait_for(0s) == std::future_status::ready;
}

// f() in a thread of each kind, and then, while the thread has all but ended, look().
template <class F, class Look>
void with_a_look_before_the_end(F f, Look look) {
  static std::function<void()> last_look;
  struct last_act {
    bool armed = false;
    ~last_act() {
      if (armed) last_look();
    }
  };
  conc::fiber_local<last_act> end;
  in_both_worlds([&](const char* who) {
    last_look = [&look, who] { look(who); };
    end->armed = true;
    f(who);
    look(who);
  });
}

TEST(thread_exit, a_value_is_stored_at_once_and_ready_when_all_else_has_ended) {
  conc::promise<int> p;
  conc::future<int> f;
  with_a_look_before_the_end(
      [&](const char*) {
        p = {};
        f = p.get_future();
        p.set_value_at_thread_exit(7);
        expect_code(std::future_errc::promise_already_satisfied, [&] { p.set_value(8); });
        expect_code(std::future_errc::promise_already_satisfied,
                    [&] { p.set_value_at_thread_exit(8); });
        expect_code(std::future_errc::promise_already_satisfied,
                    [&] { p.set_exception(std::make_exception_ptr(1)); });
        expect_code(std::future_errc::promise_already_satisfied,
                    [&] { p.set_exception_at_thread_exit(std::make_exception_ptr(1)); });
      },
      [&](const char* who) { EXPECT_FALSE(is_ready(f)) << who; });
  ASSERT_TRUE(is_ready(f)) << "the thread has been joined";
  EXPECT_EQ(f.get(), 7);
}

TEST(thread_exit, is_ready_when_either_kind_of_thread_has_been_joined) {
  in_both_worlds([](const char* who) {
    int x = 0;
    conc::promise<int> i;
    conc::promise<int&> r;
    conc::promise<void> v;
    conc::promise<std::unique_ptr<int>> m;
    auto fi = i.get_future();
    auto fr = r.get_future();
    auto fv = v.get_future();
    auto fm = m.get_future();
    crew one;
    one.users(1, [&](int) { i.set_value_at_thread_exit(3); });
    one.kernels(1, [&](int) { r.set_value_at_thread_exit(x); });
    one.users(1, [&](int) { v.set_value_at_thread_exit(); });
    one.kernels(1, [&](int) { m.set_value_at_thread_exit(std::make_unique<int>(4)); });
    one.join();
    ASSERT_TRUE(is_ready(fi) && is_ready(fr) && is_ready(fv) && is_ready(fm)) << who;
    EXPECT_EQ(fi.get(), 3);
    EXPECT_EQ(&fr.get(), &x);
    fv.get();
    EXPECT_EQ(*fm.get(), 4);
  });
}

TEST(thread_exit, the_promise_may_go_before) {
  conc::future<int> f;
  conc::binary_semaphore stored(0), go(0);
  const auto work = [&](int) {
    conc::promise<int> p;
    f = p.get_future();
    {
      conc::promise<int> dying = std::move(p);
      dying.set_value_at_thread_exit(1);
    }
    stored.release();
    go.acquire();
  };
  for (const bool user : {true, false}) {
    crew one;
    user ? one.users(1, work) : one.kernels(1, work);
    stored.acquire();
    EXPECT_FALSE(is_ready(f));
    go.release();
    EXPECT_EQ(f.get(), 1);
  }
}

TEST(thread_exit, waiters_of_both_kinds_are_let_go) {
  in_both_worlds([](const char*) {
    conc::promise<int> p;
    const conc::shared_future<int> f = p.get_future();
    crew all;
    all.mixed(6, [f](int) { EXPECT_EQ(f.get(), 5); });
    ASSERT_TRUE(conc_test::eventually([] { return conc_test::parked_anywhere() >= 6; }));
    all.users(1, [&](int) { p.set_value_at_thread_exit(5); });
    all.join();
  });
}

TEST(thread_exit, exceptions_too) {
  conc::promise<int> p;
  conc::future<int> f;
  with_a_look_before_the_end(
      [&](const char*) {
        p = {};
        f = p.get_future();
        p.set_exception_at_thread_exit(std::make_exception_ptr(std::domain_error("late")));
        expect_code(std::future_errc::promise_already_satisfied, [&] { p.set_value(8); });
      },
      [&](const char* who) { EXPECT_FALSE(is_ready(f)) << who; });
  EXPECT_THROW(f.get(), std::domain_error);
}

struct fails_to_copy {
  fails_to_copy() = default;
  fails_to_copy(const fails_to_copy&) { throw std::length_error("copy"); }
  fails_to_copy(fails_to_copy&&) noexcept {}
};

TEST(thread_exit, what_cannot_be_stored_is_not) {
  in_both_worlds([](const char*) {
    conc::promise<fails_to_copy> p;
    auto f = p.get_future();
    const fails_to_copy x;
    EXPECT_THROW(p.set_value_at_thread_exit(x), std::length_error);
    p.set_value(fails_to_copy());
    EXPECT_TRUE(is_ready(f));

    auto moved = std::move(p);
    expect_code(std::future_errc::no_state, [&] { p.set_value_at_thread_exit(fails_to_copy()); });
    expect_code(std::future_errc::no_state,
                [&] { p.set_exception_at_thread_exit(std::make_exception_ptr(1)); });
    conc::packaged_task<void()> none;
    expect_code(std::future_errc::no_state, [&] { none.make_ready_at_thread_exit(); });
  });
}

TEST(thread_exit, a_task_is_called_now_and_ready_then) {
  int calls = 0;
  conc::future<int> f, g;
  with_a_look_before_the_end(
      [&](const char*) {
        conc::packaged_task<int(int)> t([&](int n) {
          ++calls;
          if (n == 0) throw std::out_of_range("zero");
          return 2 * n;
        });
        const int before = calls;
        f = t.get_future();
        t.make_ready_at_thread_exit(21);
        EXPECT_EQ(calls, before + 1);
        expect_code(std::future_errc::promise_already_satisfied, [&] { t(1); });
        expect_code(std::future_errc::promise_already_satisfied,
                    [&] { t.make_ready_at_thread_exit(1); });
        t.reset();
        g = t.get_future();
        t.make_ready_at_thread_exit(0);
      },
      [&](const char* who) { EXPECT_FALSE(is_ready(f) || is_ready(g)) << who; });
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(f.get(), 42);
  EXPECT_THROW(g.get(), std::out_of_range);
}

TEST(thread_exit, a_groups_wait_comes_after_its_childrens_ends) {
  conc::runtime r({.processors = 2});
  r.run([] {
    for (int i = 0; i < 100; ++i) {
      conc::promise<int> p;
      auto f = p.get_future();
      conc::task_group g;
      g.run([&p] { p.set_value_at_thread_exit(1); });
      g.wait();
      EXPECT_TRUE(is_ready(f));
    }
  });
}

// The last share in a value goes when it is made ready; its destructor is the thread's, and leaves
// something behind itself.
TEST(thread_exit, what_happens_at_the_end_may_leave_more) {
  static std::atomic<int> alive{0};
  struct counted {
    counted() { ++alive; }
    ~counted() { --alive; }
  };
  static conc::fiber_local<counted> local;
  struct heir {
    std::shared_ptr<conc::promise<int>> to;
    explicit heir(conc::promise<int>&& p)
        : to(std::make_shared<conc::promise<int>>(std::move(p))) {}
    ~heir() {
      if (to.use_count() != 1) return;
      (void)*local;
      to->set_value_at_thread_exit(9);
    }
  };
  in_both_worlds([&](const char* who) {
    conc::promise<int> last;
    auto f = last.get_future();
    crew one;
    const auto work = [&](int) {
      conc::promise<heir> p;
      p.set_value_at_thread_exit(heir(std::move(last)));
    };
    who[0] == 'u' ? one.users(1, work) : one.kernels(1, work);
    one.join();
    ASSERT_TRUE(is_ready(f)) << who;
    EXPECT_EQ(f.get(), 9);
    EXPECT_EQ(alive, 0) << who;
  });
}

TEST(thread_exit, a_condition_is_notified_with_its_mutex_freed_when_all_else_has_ended) {
  conc::mutex m;
  conc::condition_variable cv;
  std::atomic<int> ended{0};
  std::vector<conc::thread> waiters;
  with_a_look_before_the_end(
      [&](const char*) {
        conc::binary_semaphore listening(0);
        waiters.emplace_back([&, before = ended.load()] {
          std::unique_lock lock(m);
          listening.release();
          cv.wait(lock);  // nobody else notifies
          EXPECT_GE(ended, before + 2);
        });
        listening.acquire();
        conc::notify_all_at_thread_exit(cv, std::unique_lock(m));
      },
      [&](const char* who) {
        conc::thread([&] { EXPECT_FALSE(m.try_lock()) << who; }).join();
        ++ended;
      });
  for (conc::thread& t : waiters) t.join();
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

// As soon as the mutex is to be had the end of the thread has seen the last of both.
TEST(thread_exit, mutex_and_condition_may_go_when_they_are_free) {
  for (int round = 0; round < conc_test::scaled(200); ++round) {
    struct both {
      conc::mutex m;
      conc::condition_variable cv;
      bool done = false;
    };
    auto b = std::make_unique<both>();
    const auto work = [there = b.get()](int) {
      std::unique_lock lock(there->m);
      there->done = true;
      conc::notify_all_at_thread_exit(there->cv, std::move(lock));
    };
    crew other;
    round % 2 == 0 ? other.users(1, work) : other.kernels(1, work);
    {
      std::unique_lock lock(b->m);
      b->cv.wait(lock, [&] { return b->done; });
    }
    b.reset();
    other.join();
  }
}

using ThreadExitDeathTest = conc_test::death_test;

TEST_F(ThreadExitDeathTest, the_main_thread_ends_with_exit) {
  EXPECT_EXIT(
      {
        static conc::promise<int> p;
        static std::thread waiter([] {
          const int n = p.get_future().get();
          std::fprintf(stderr, "the value is %d\n", n);
        });
        // Made before the first call that leaves something to the end: still there then.
        struct join_it {
          ~join_it() { waiter.join(); }
        };
        static const join_it last;
        p.set_value_at_thread_exit(12);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "the value is 12");
}

TEST_F(ThreadExitDeathTest, a_lock_without_its_mutex_is_refused) {
  conc::condition_variable cv;
  EXPECT_DEATH(conc::notify_all_at_thread_exit(cv, {}), "does not hold its mutex");
}

}  // namespace
