// Deadlines on a clock that is set while somebody waits by it, for everything that takes a
// deadline.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "support/crew.h"
#include "support/jumping_clock.h"

namespace {

using namespace std::chrono_literals;
using conc_test::jumping_clock;
using steady = std::chrono::steady_clock;

// A wait that nobody ends: true if it says that it timed out.
struct wait {
  std::string name;
  std::function<bool(jumping_clock::time_point)> times_out;
  int reading = 2;  // of the clock: the first one after the wait
};

// Every timed wait of the library, on objects that stay as they are.
class waits {
 public:
  waits() {
    conc::latch held(1);
    holder_ = std::thread([this, &held] {
      const std::scoped_lock all(timed_, recursive_, shared_);
      held.count_down();
      over_.wait();
    });
    held.wait();
  }
  ~waits() {
    over_.count_down();
    holder_.join();
  }

  std::vector<wait> all() {
    const auto never = [] { return false; };
    return {
        {"timed_mutex", [this](auto t) { return !timed_.try_lock_until(t); }},
        {"recursive_timed_mutex", [this](auto t) { return !recursive_.try_lock_until(t); }},
        {"shared_timed_mutex", [this](auto t) { return !shared_.try_lock_until(t); }},
        {"the same, shared", [this](auto t) { return !shared_.try_lock_shared_until(t); }},
        {"semaphore", [this](auto t) { return !semaphore_.try_acquire_until(t); }},
        {"condition_variable",
         [this, never](auto t) {
           std::unique_lock lock(mutex_);
           return !cv_.wait_until(lock, t, never);
         }},
        {"condition_variable_any",
         [this, never](auto t) {
           std::unique_lock lock(mutex_);
           return !any_.wait_until(lock, t, never);
         }},
        {"the same, with a stop token",
         [this, never](auto t) {
           std::unique_lock lock(mutex_);
           const std::stop_source source;
           return !any_.wait_until(lock, source.get_token(), t, never);
         }},
        {"future", [this](auto t) { return future_.wait_until(t) == std::future_status::timeout; }},
        {"sleep_until", [](auto t) { return conc::this_thread::sleep_until(t), true; }, 3},
        {"event_count", [this](auto t) { return !count_.await_until(1, t); }},
        {"channel, to send",
         [this](auto t) { return channel_.send_until(1, t) == conc::channel_status::timed_out; }},
        {"channel, to receive",
         [this](auto t) {
           int n = 0;
           return channel_.recv_until(n, t) == conc::channel_status::timed_out;
         }},
        {"select",
         [this](auto t) {
           return conc::select_until(t, conc::on_recv(channel_, [](std::optional<int>) {}),
                                     conc::on_send(other_channel_, 1, [](bool) {})) == 2;
         }},
        {"mesa_monitor",
         [this](auto t) {
           const std::lock_guard inside(monitor_);
           return !condition_.wait_until(t);
         }},
    };
  }

 private:
  conc::timed_mutex timed_;
  conc::recursive_timed_mutex recursive_;
  conc::shared_timed_mutex shared_;
  conc::mutex mutex_;
  conc::condition_variable cv_;
  conc::condition_variable_any any_;
  conc::counting_semaphore<> semaphore_{0};
  conc::promise<int> promise_;
  conc::future<int> future_ = promise_.get_future();
  conc::event_count count_;
  conc::channel<int> channel_{0}, other_channel_{0};
  conc::mesa_monitor monitor_;
  conc::mesa_monitor::condition condition_{monitor_};
  conc::latch over_{1};
  std::thread holder_;
};

TEST(clock_jump, a_clock_that_is_set_back_prolongs_the_wait) {
  waits w;
  conc_test::in_both_worlds([&](const char* who) {
    for (auto& [name, times_out, reading] : w.all()) {
      const auto start = steady::now();
      jumping_clock::set_back_next(0ms);
      const auto deadline = jumping_clock::now() + 6ms;
      jumping_clock::set_back_next(14ms, reading);
      EXPECT_TRUE(times_out(deadline)) << name << who;
      EXPECT_GE(jumping_clock::now(), deadline) << name << who;
      EXPECT_GE(steady::now() - start, 20ms) << name << who;
    }
  });
}

TEST(clock_jump, a_clock_that_is_set_forward_does_not_prolong_it) {
  waits w;
  for (auto& [name, times_out, reading] : w.all()) {
    const auto start = steady::now();
    jumping_clock::set_back_next(0ms);
    const auto deadline = jumping_clock::now() + 6ms;
    jumping_clock::set_forward_next(1h, reading);
    EXPECT_TRUE(times_out(deadline)) << name;
    EXPECT_GE(jumping_clock::now(), deadline) << name;
    EXPECT_LT(steady::now() - start, 30s) << name;
  }
}

// condition_variable's plain wait_until has no loop: when the clock was set back, it says that the
// time has not come, as for a wake without a reason.
TEST(clock_jump, a_plain_wait_until_reports_no_timeout_early) {
  conc::mutex m;
  conc::condition_variable cv;
  conc::condition_variable_any any;
  std::unique_lock lock(m);
  for (const bool of_any : {false, true}) {
    jumping_clock::set_back_next(0ms);
    const auto deadline = jumping_clock::now() + 2ms;
    jumping_clock::set_back_next(1h);
    const auto status = of_any ? any.wait_until(lock, deadline) : cv.wait_until(lock, deadline);
    EXPECT_EQ(status, conc::cv_status::no_timeout);
    EXPECT_LT(jumping_clock::now(), deadline);
  }
}

}  // namespace
