// Time limits at the ends of their types, for everything that takes one: a limit too far to be
// reckoned with never comes, and one that lies before the beginning of time has passed.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "conc/conc.h"
#include "support/crew.h"

namespace {

using namespace std::chrono_literals;
using std::chrono::file_clock;
using std::chrono::hours;
using std::chrono::nanoseconds;
using std::chrono::system_clock;
using steady = std::chrono::steady_clock;
using real = std::chrono::duration<double>;

using limit = std::variant<hours, nanoseconds, real, steady::time_point, system_clock::time_point,
                           file_clock::time_point>;

const std::vector<limit> too_far{hours::max(),
                                 nanoseconds::max(),
                                 real(1e300),
                                 steady::time_point::max(),
                                 system_clock::time_point::max(),
                                 file_clock::time_point::max()};
const std::vector<limit> long_past{hours::min(),
                                   nanoseconds::min(),
                                   real(-1e300),
                                   hours(-1),
                                   nanoseconds(0),
                                   steady::time_point::min(),
                                   system_clock::time_point::min(),
                                   file_clock::time_point::min()};

// Calls within(duration) or until(time point).
template <class Within, class Until>
bool by(const limit& l, Within within, Until until) {
  return std::visit(
      [&](auto t) {
        if constexpr (requires { t.time_since_epoch(); }) {
          return static_cast<bool>(until(t));
        } else {
          return static_cast<bool>(within(t));
        }
      },
      l);
}

// One of everything, with each wait, and what ends it.
struct waits {
  bool happened = false;  // guarded by m
  conc::mutex m;
  conc::condition_variable cv;
  conc::condition_variable_any any;
  conc::counting_semaphore<> semaphore{0};
  conc::promise<int> promise;
  conc::future<int> future = promise.get_future();
  conc::event_count count;
  conc::channel<int> values{0}, selected{0};

  struct one {
    std::string name;
    std::function<bool(const limit&)> wait;  // false: timed out
    std::function<void()> end;
  };
  std::vector<one> all() {
    const auto condition = [this] { return happened; };
    const auto happen = [this](auto& of) {
      const std::lock_guard guard(m);
      happened = true;
      of.notify_all();
    };
    return {
        {"condition_variable",
         [=, this](const limit& l) {
           std::unique_lock lock(m);
           return by(
               l, [&](auto d) { return cv.wait_for(lock, d, condition); },
               [&](auto t) { return cv.wait_until(lock, t, condition); });
         },
         [=, this] { happen(cv); }},
        {"condition_variable_any",
         [=, this](const limit& l) {
           std::unique_lock lock(m);
           return by(
               l, [&](auto d) { return any.wait_for(lock, d, condition); },
               [&](auto t) { return any.wait_until(lock, t, condition); });
         },
         [=, this] { happen(any); }},
        {"the same, with a stop token",
         [=, this](const limit& l) {
           std::unique_lock lock(m);
           const std::stop_source source;
           return by(
               l, [&](auto d) { return any.wait_for(lock, source.get_token(), d, condition); },
               [&](auto t) { return any.wait_until(lock, source.get_token(), t, condition); });
         },
         [=, this] { happen(any); }},
        {"semaphore",
         [this](const limit& l) {
           return by(
               l, [&](auto d) { return semaphore.try_acquire_for(d); },
               [&](auto t) { return semaphore.try_acquire_until(t); });
         },
         [this] { semaphore.release(); }},
        {"future",
         [this](const limit& l) {
           return by(
               l, [&](auto d) { return future.wait_for(d) == std::future_status::ready; },
               [&](auto t) { return future.wait_until(t) == std::future_status::ready; });
         },
         [this] { promise.set_value(1); }},
        {"event_count",
         [this](const limit& l) {
           return by(
               l, [&](auto d) { return count.await_for(1, d); },
               [&](auto t) { return count.await_until(1, t); });
         },
         [this] { count.advance(); }},
        {"channel, to receive",
         [this](const limit& l) {
           int n = 0;
           return by(
               l, [&](auto d) { return values.recv_for(n, d) == conc::channel_status::ok; },
               [&](auto t) { return values.recv_until(n, t) == conc::channel_status::ok; });
         },
         [this] { (void)values.send(1); }},
        {"channel, to send",
         [this](const limit& l) {
           return by(
               l, [&](auto d) { return values.send_for(1, d) == conc::channel_status::ok; },
               [&](auto t) { return values.send_until(1, t) == conc::channel_status::ok; });
         },
         [this] { (void)values.recv(); }},
        {"select",
         [this](const limit& l) {
           const auto nothing = [](std::optional<int>) {};
           return by(
               l,
               [&](auto d) { return conc::select_for(d, conc::on_recv(selected, nothing)) == 0; },
               [&](auto t) {
                 return conc::select_until(t, conc::on_recv(selected, nothing)) == 0;
               });
         },
         [this] { (void)selected.send(1); }},
    };
  }
};

TEST(extreme_limits, what_has_long_passed_ends_a_wait_at_once) {
  waits w;
  conc_test::in_both_worlds([&](const char* who) {
    for (const auto& one : w.all()) {
      for (std::size_t i = 0; i < long_past.size(); ++i) {
        const auto start = steady::now();
        EXPECT_FALSE(one.wait(long_past[i])) << one.name << ", " << i << ", " << who;
        EXPECT_LT(steady::now() - start, 30s) << one.name << ", " << i << ", " << who;
      }
    }
  });
}

// The millisecond lets the waiter find out that its limit has passed, if it believes so.
TEST(extreme_limits, what_is_too_far_away_never_comes) {
  const std::size_t kinds = waits().all().size();
  for (std::size_t k = 0; k < kinds; ++k) {
    for (std::size_t i = 0; i < too_far.size(); ++i) {
      for (const bool user : {true, false}) {
        waits w;
        const auto one = w.all()[k];
        std::atomic<bool> ended{false};
        conc_test::crew waiter;
        const auto wait = [&](int) {
          EXPECT_TRUE(one.wait(too_far[i])) << one.name << ", " << i << ", " << user;
          ended = true;
        };
        user ? waiter.users(1, wait) : waiter.kernels(1, wait);
        conc::this_thread::sleep_for(1ms);
        if (ended) break;  // nobody would take what is sent
        one.end();
        waiter.join();
      }
    }
  }
}

// Who sleeps for ever is left behind when the process ends.
TEST(extreme_limits, a_sleep_of_no_time_or_of_all_of_it) {
  static std::atomic<int> begun{0}, ended{0};
  const auto sleep = [](const limit& l) {
    return by(
        l, [](auto d) { return conc::this_thread::sleep_for(d), true; },
        [](auto t) { return conc::this_thread::sleep_until(t), true; });
  };
  conc_test::in_both_worlds([&](const char*) {
    for (const limit& l : long_past) EXPECT_TRUE(sleep(l));
  });
  int n = 0;
  for (const limit& l : too_far) {
    const auto for_ever = [sleep, l] {
      ++begun;
      sleep(l);
      ++ended;
    };
    conc::thread(for_ever).detach();
    std::thread(for_ever).detach();
    n += 2;
  }
  while (begun != n) conc::this_thread::yield();
  conc::this_thread::sleep_for(5ms);
  EXPECT_EQ(ended, 0);
}

}  // namespace
