// What the headers call an error that ends the process: it does, and says what was wrong.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "conc/conc.h"
#include "support/death.h"
#include "support/eventually.h"

namespace {

using conc_test::eventually_parked;
using MisuseDeathTest = conc_test::death_test;

// Runs the statement as a user-level thread; the other half of the cases are kernel threads.
template <class F>
void as_user_thread(F f) {
  conc::thread(f).join();
}

TEST_F(MisuseDeathTest, mutex_unlocked_by_nobody) {
  conc::mutex m;
  EXPECT_DEATH(m.unlock(), "conc: fatal: a mutex was unlocked that nobody holds.*object 0x");
}

TEST_F(MisuseDeathTest, mutex_unlocked_by_another_thread) {
  conc::mutex m;
  EXPECT_DEATH(
      {
        m.lock();
        as_user_thread([&] { m.unlock(); });
      },
      "unlocked by a thread that does not hold it.*owner: thread [0-9]+, by thread [0-9]+");
  EXPECT_DEATH(as_user_thread([&] {
                 m.lock();
                 std::thread([&] { m.unlock(); }).join();
               }),
               "unlocked by a thread that does not hold it");
}

TEST_F(MisuseDeathTest, mutex_locked_twice) {
  conc::mutex m;
  const auto twice = [&] {
    m.lock();
    m.lock();
  };
  EXPECT_DEATH(twice(), "locked a mutex that it already holds");
  EXPECT_DEATH(as_user_thread(twice), "locked a mutex that it already holds");
}

TEST_F(MisuseDeathTest, condition_variable_waited_for_with_an_empty_lock) {
  conc::condition_variable cv;
  std::unique_lock<conc::mutex> none;
  EXPECT_DEATH(cv.wait(none), "with a lock that has no mutex");
  EXPECT_DEATH(as_user_thread([&] { cv.wait_for(none, std::chrono::milliseconds(1)); }),
               "with a lock that has no mutex");
}

TEST_F(MisuseDeathTest, mutex_destroyed_while_locked) {
  EXPECT_DEATH(
      {
        conc::mutex m;
        m.lock();
      },
      "a mutex was destroyed while locked.*owner: thread");
}

TEST_F(MisuseDeathTest, condition_variable_without_its_mutex) {
  EXPECT_DEATH(
      {
        conc::mutex m;
        conc::condition_variable cv;
        std::unique_lock lock(m);
        m.unlock();
        cv.wait(lock);
      },
      "waited for with a mutex that is not held");
}

TEST_F(MisuseDeathTest, condition_variable_destroyed_with_a_waiter) {
  EXPECT_DEATH(
      {
        conc::mutex m;
        auto cv = std::make_unique<conc::condition_variable>();
        conc::thread waiter([&] {
          std::unique_lock lock(m);
          cv->wait(lock);
        });
        if (eventually_parked(cv.get(), 1)) cv.reset();
      },
      "a condition_variable was destroyed while threads wait for it");
}

TEST_F(MisuseDeathTest, semaphore_released_beyond_its_maximum) {
  EXPECT_DEATH(
      {
        conc::binary_semaphore s(1);
        s.release();
      },
      "released beyond its maximum");
  EXPECT_DEATH(
      {
        conc::counting_semaphore<> s(1);
        s.release(conc::counting_semaphore<>::max());
      },
      "released beyond its maximum");
  EXPECT_DEATH(
      {
        conc::counting_semaphore<5> s(2);
        s.release(-1);
      },
      "released by a negative number");
}

TEST_F(MisuseDeathTest, semaphore_made_out_of_range) {
  EXPECT_DEATH(conc::binary_semaphore(2), "a semaphore was made with a value that is negative or");
  EXPECT_DEATH(conc::counting_semaphore<>(-1),
               "a semaphore was made with a value that is negative");
}

TEST_F(MisuseDeathTest, semaphore_destroyed_with_a_waiter) {
  EXPECT_DEATH(
      {
        auto s = std::make_unique<conc::binary_semaphore>(0);
        conc::thread waiter([&] { s->acquire(); });
        if (eventually_parked(s.get(), 1)) s.reset();
      },
      "a semaphore was destroyed while threads wait for it");
}

TEST_F(MisuseDeathTest, latch_counted_below_zero) {
  EXPECT_DEATH(
      {
        conc::latch l(1);
        l.count_down(2);
      },
      "counted down below zero");
  EXPECT_DEATH(
      {
        conc::latch l(1);
        l.count_down();
        l.count_down();
      },
      "counted down below zero");
}

TEST_F(MisuseDeathTest, latch_with_a_negative_number) {
  EXPECT_DEATH(conc::latch(-1), "a latch was made with a count that is negative");
  EXPECT_DEATH(
      {
        conc::latch l(1);
        l.count_down(-1);
      },
      "a latch was counted down by a negative number");
}

TEST_F(MisuseDeathTest, latch_destroyed_with_a_waiter) {
  EXPECT_DEATH(
      {
        auto l = std::make_unique<conc::latch>(1);
        conc::thread waiter([&] { l->wait(); });
        if (eventually_parked(l.get(), 1)) l.reset();
      },
      "a latch was destroyed while threads wait for it");
}

TEST_F(MisuseDeathTest, runtime_destroyed_by_its_own_thread) {
  EXPECT_DEATH(
      {
        auto* r = new conc::runtime({.processors = 1});
        r->run([&] { delete r; });
      },
      "a conc::runtime was destroyed by one of its own threads");
}

TEST_F(MisuseDeathTest, thread_destroyed_or_overwritten_while_joinable) {
  EXPECT_DEATH(conc::thread([] {}), "terminate called");
  EXPECT_DEATH(
      {
        conc::thread t([] {});
        t = conc::thread();
      },
      "terminate called");
}

TEST_F(MisuseDeathTest, exception_that_leaves_a_threads_function) {
  EXPECT_DEATH(conc::thread([] { throw std::runtime_error("nobody catches me"); }).join(),
               "nobody catches me");
}

// Elsewhere a callback may wait: in a kernel thread, or where the stop was requested before.
TEST(stop_callback, of_a_kernel_thread_may_wait) {
  conc::jthread stops([](std::stop_token) {});
  conc::binary_semaphore waited(0);
  const std::stop_callback waits(stops.get_stop_token(), [&] {
    conc::thread([&] { waited.release(); }).join();
    waited.acquire();
  });
  EXPECT_TRUE(stops.request_stop());
  as_user_thread([&] {
    const std::stop_callback late(stops.get_stop_token(), [] { conc::this_thread::yield(); });
  });
}

#ifdef CONC_CHECKED
// Runs the callback in a user-level thread that asks for a stop.
template <class Callback>
void ask_a_jthread_to_stop(Callback callback) {
  as_user_thread([&] {
    conc::jthread stops([](std::stop_token) {});
    const std::stop_callback suspends(stops.get_stop_token(), callback);
    stops.request_stop();
  });
}

TEST_F(MisuseDeathTest, stop_callback_that_suspends) {
  const char* const said = "a stop callback waited or yielded.*by thread [0-9]+";
  EXPECT_DEATH(ask_a_jthread_to_stop([] { conc::this_thread::yield(); }), said);
  EXPECT_DEATH(
      ask_a_jthread_to_stop([] { conc::this_thread::sleep_for(std::chrono::milliseconds(1)); }),
      said);
  EXPECT_DEATH(ask_a_jthread_to_stop([] { conc::binary_semaphore(0).acquire(); }), said);
  EXPECT_DEATH(ask_a_jthread_to_stop([] { conc::thread([] {}).join(); }), said);
  EXPECT_DEATH(as_user_thread([] {
                 conc::task_group g;
                 const std::stop_callback waits(g.get_stop_token(),
                                                [] { conc::binary_semaphore(0).acquire(); });
                 g.request_stop();
               }),
               said);
}

// The destructor of a jthread asks as well. Its callbacks may do anything else.
TEST_F(MisuseDeathTest, stop_callback_of_a_destructor_that_suspends) {
  EXPECT_DEATH(as_user_thread([] {
                 std::optional<conc::jthread> stops([](std::stop_token) {});
                 const std::stop_callback waits(stops->get_stop_token(),
                                                [] { conc::this_thread::yield(); });
                 stops.reset();
               }),
               "a stop callback waited or yielded");
  as_user_thread([] {
    std::atomic<bool> called = false;
    conc::jthread stops([](std::stop_token) {});
    const std::stop_callback sets(stops.get_stop_token(), [&] { called = true; });
    stops.request_stop();
    conc::this_thread::yield();
    EXPECT_TRUE(called);
  });
}
#endif

}  // namespace
