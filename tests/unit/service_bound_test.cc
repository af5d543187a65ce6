// How long something can be overlooked while its processor is busy with threads that yield. The
// bounds (docs/scheduler.md, "Time") are numbers of switches, which a loaded machine does not
// change.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

#include "conc/io.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "sched/processor.h"
#include "support/error_of.h"
#include "support/sockets.h"

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using conc::detail::processor;

constexpr int yielders = 3;
// Until the clock is read; then those in the queue before the one that has been found.
constexpr long bound = processor::checkpoint_every + 2 * yielders + 2;

// One processor: its threads share plain variables. Counts the switches of threads that do nothing
// but yield, and notes at which of them something had happened for `grace`.
class busy_processor {
 public:
  explicit busy_processor(std::chrono::nanoseconds grace = 0ns) : grace_(grace) {
    for (int i = 0; i < yielders; ++i) {
      threads_.emplace_back([this] {
        while (!over_) {
          ++switches_;
          const steady::time_point since = since_.load(std::memory_order_acquire);
          if (since_when_ == 0 && steady::now() >= since + grace_) since_when_ = switches_;
          conc::this_thread::yield();
        }
      });
    }
  }
  void happens_at(steady::time_point t) { since_.store(t, std::memory_order_release); }
  // By the thread that has been waiting for it.
  void expect_noticed_in_time() {
    if (since_when_ != 0) {
      EXPECT_LE(switches_ - since_when_, bound);
    }
  }
  void end() {
    over_ = true;
    for (auto& t : threads_) t.join();
  }

 private:
  const std::chrono::nanoseconds grace_;
  std::atomic<steady::time_point> since_{steady::time_point::max() - 1h};
  long switches_ = 0, since_when_ = 0;
  bool over_ = false;
  std::vector<conc::thread> threads_;
};

TEST(service_bound, an_expired_timer) {
  conc::runtime r({.processors = 1});
  r.run([] {
    for (int round = 0; round < 20; ++round) {
      busy_processor busy;
      const auto deadline = steady::now() + 500us;
      busy.happens_at(deadline);
      conc::this_thread::sleep_until(deadline);
      busy.expect_noticed_in_time();
      busy.end();
    }
  });
}

TEST(service_bound, a_thread_that_is_woken_from_outside) {
  conc::runtime r({.processors = 1});
  for (int round = 0; round < 20; ++round) {
    r.run([] {
      busy_processor busy;
      conc::binary_semaphore go(0);
      std::binary_semaphore asleep(0);
      std::thread waker([&] {
        asleep.acquire();
        go.release();
        busy.happens_at(steady::now());
      });
      asleep.release();
      go.acquire();
      busy.expect_noticed_in_time();
      busy.end();
      waker.join();
    });
  }
}

TEST(service_bound, a_completion) {
  conc::runtime r({.processors = 1});
  r.run([] {
    for (int round = 0; round < 20; ++round) {
      // Completions are looked for after service_interval.
      busy_processor busy{std::chrono::nanoseconds(processor::service_interval)};
      auto [here, there] = conc_test::socket_pair();
      std::binary_semaphore go(0);
      std::thread sender([&, fd = there.get()] {
        go.acquire();
        const char byte = 'x';
        EXPECT_EQ(::send(fd, &byte, 1, MSG_NOSIGNAL), 1);
        busy.happens_at(steady::now());
      });
      conc::thread late_start([&] { go.release(); });  // runs once recv() has suspended
      conc_test::text_buffer t;
      EXPECT_EQ(conc::io::recv(here.get(), t.all(), 0), 1u);
      busy.expect_noticed_in_time();
      busy.end();
      late_start.join();
      sender.join();
    }
  });
}

// A thread that neither yields nor waits keeps its processor from looking at its timers. Somebody
// who is idle looks instead; else this test would wait for its own patience to end.
TEST(service_bound, a_timer_of_a_processor_that_computes) {
  conc::runtime r({.processors = 2});
  for (int round = 0; round < 5; ++round) {
    r.run([] {
      constexpr unsigned unknown = ~0u;
      std::atomic<unsigned> asleep_on{unknown};
      std::atomic<bool> woke{false};
      bool shared = false;
      while (!shared) {
        asleep_on = unknown, woke = false;
        conc::thread sleeper([&] {
          asleep_on = conc::this_thread::processor();
          conc::this_thread::sleep_for(2ms);
          woke = true;
        });
        conc::this_thread::yield();
        // Unless it has been stolen, its timer is now this processor's.
        shared = asleep_on == conc::this_thread::processor();
        if (shared) {
          const auto patience = steady::now() + 20s;
          while (!woke && steady::now() < patience) continue;
          EXPECT_TRUE(woke);
        }
        sleeper.join();
      }
    });
  }
}

// Keeps the other one of two processors from helping the caller's, until it is told to end.
class busy_neighbour {
 public:
  busy_neighbour()
      : thread_([this] {
          running_ = true;
          while (!over_) continue;
        }) {
    while (!running_) continue;  // on the other one, then: we do not leave ours
  }
  void end() { over_ = true; }

 private:
  std::atomic<bool> running_{false}, over_{false};
  conc::jthread thread_;
};

// The same beside deadlines of I/O that have passed, which are left to the processor that computes.
TEST(service_bound, a_timer_among_overdue_deadlines_of_operations) {
  conc::runtime r({.processors = 2});
  r.run([] {
    bool shared = false;
    while (!shared) {
      busy_neighbour neighbour;
      constexpr int operations = 10;
      std::atomic<int> gone{0};  // to wait, from this processor
      std::atomic<bool> woke{false};
      const auto first = steady::now() + 30ms;
      const auto set_out = [&, here = conc::this_thread::processor()] {
        if (conc::this_thread::processor() == here) ++gone;
      };
      std::vector<conc::thread> all;
      for (int i = 0; i < operations; ++i) {
        all.emplace_back([&] {
          auto [near, far] = conc_test::socket_pair();
          conc_test::text_buffer t;
          set_out();
          EXPECT_TRUE(conc_test::error_of([&] {
                        (void)conc::io::recv(near.get(), t.all(), 0, {.deadline = first});
                      }) == std::errc::timed_out);
        });
      }
      all.emplace_back([&] {
        set_out();
        conc::this_thread::sleep_until(first + 1ms);
        woke = true;
      });
      for (int i = 0; i < 100 && gone <= operations; ++i) conc::this_thread::yield();
      shared = gone > operations && steady::now() < first;
      neighbour.end();
      if (shared) {
        const auto patience = steady::now() + 20s;
        while (!woke && steady::now() < patience) continue;
        EXPECT_TRUE(woke);
      }
      for (auto& t : all) t.join();
    }
  });
}

}  // namespace
