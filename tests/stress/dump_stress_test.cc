// Looking at threads that do not stand still: whatever they do meanwhile, the look ends well.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "support/no_frame_pointers.h"
#include "support/scale.h"

namespace {

using conc_test::scaled;

// Threads that are born, named, wait in every way, migrate and end, with stacks of the pool and of
// their own, until they are told to stop.
class bustle {
 public:
  explicit bustle(conc::runtime& r) {
    for (int i = 0; i < 6; ++i) workers_.push_back(r.spawn([this, i] { work(i); }));
  }
  ~bustle() {
    stop_ = true;
    for (auto& t : workers_) t.join();
  }
  bustle(const bustle&) = delete;
  bustle& operator=(const bustle&) = delete;

 private:
  void work(int me) {
    for (int round = 0; !stop_; ++round) {
      const std::string name = "worker " + std::to_string(me) + " round " + std::to_string(round);
      conc::thread named(conc::thread_options{.name = name}, [&] { wait_somehow(round); });
      conc::thread large(conc::thread_options{.stack_size = 400'000},
                         [&] { conc_test_no_frame_pointer(round % 50, deep, this); });
      named.join();
      large.join();
    }
  }
  static void deep(void* self) { static_cast<bustle*>(self)->wait_somehow(1); }
  void wait_somehow(int round) {
    if (round % 3 == 0) conc::this_thread::sleep_for(std::chrono::microseconds(round % 100));
    const std::lock_guard guard(mutex_);
    conc::this_thread::yield();
    sum_ += round;
  }

  std::atomic<bool> stop_{false};
  conc::mutex mutex_;
  long sum_ = 0;
  std::vector<conc::thread> workers_;
};

TEST(dump_stress, of_threads_that_do_everything_meanwhile) {
  conc::runtime r({.processors = 3});
  const bustle others(r);
  std::atomic<std::size_t> bytes{0};
  const auto look = [&] {
    for (int i = 0; i < scaled(150); ++i) {
      std::ostringstream out;
      r.dump(out);
      ASSERT_NE(out.str().find("3 processors"), std::string::npos);
      bytes += out.str().size();
    }
  };
  // From both kinds of thread at once, and from two of them.
  std::thread a(look), b(look);
  r.spawn(look).join();
  a.join();
  b.join();
  EXPECT_GT(bytes, 0u);
}

TEST(dump_stress, of_runtimes_that_come_and_go) {
  std::atomic<bool> stop{false};
  std::thread makes([&] {
    while (!stop) {
      conc::runtime r({.processors = 2});
      conc::latch gate(1);
      std::vector<conc::thread> all;
      for (int i = 0; i < 5; ++i) all.push_back(r.spawn([&] { gate.wait(); }));
      gate.count_down();
      for (auto& t : all) t.join();
    }
  });
  for (int i = 0; i < scaled(300); ++i) {
    std::ostringstream out;
    conc::dump_all(out);
  }
  stop = true;
  makes.join();
}

}  // namespace
