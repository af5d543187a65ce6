// Completions of a carrier that does not come by: its thread computes, sits in a system call that
// the library knows nothing of, or is in a blocking section.
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "conc/blocking.h"
#include "conc/conc.h"
#include "io/engine.h"
#include "sched/carrier.h"
#include "sched/carrier_signal.h"
#include "support/eventually.h"
#include "support/io_waiters.h"
#include "support/scale.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using conc::detail::carrier;
using conc::detail::current_carrier;
using conc_test::bytes_of;
using conc_test::text_buffer;

namespace {

// Whether nothing but a signal would bring the completions in, and none arrives in this build.
bool out_of_reach() {
  const auto* engine = static_cast<conc::detail::engine*>(current_carrier()->io.load());
  return !conc::detail::signals_arrive && engine != nullptr && engine->takes_all();
}

// A thread that waits in recv() until somebody feeds it.
class waiting_reader {
 public:
  waiting_reader() : pair_(conc_test::socket_pair()) {
    thread_ = conc::thread([this, from = pair_.a.get()] {
      text_buffer t;
      began_on_ = current_carrier();
      EXPECT_EQ(io::recv(from, t.all(), 0), 1u);
      went_on_at_ = steady::now();
      went_on_ = true;
    });
    EXPECT_TRUE(conc_test::eventually_waiting(pair_.a.get(), 1));
  }
  ~waiting_reader() { thread_.join(); }
  const carrier* began_on() const { return began_on_; }
  void feed() {
    fed_at_ = steady::now();
    EXPECT_EQ(::send(pair_.b.get(), "x", 1, 0), 1);
  }
  bool went_on() const { return went_on_; }
  auto delay() const { return went_on_at_.load() - fed_at_; }

 private:
  conc_test::fd_pair pair_;
  std::atomic<const carrier*> began_on_ = nullptr;
  std::atomic<bool> went_on_ = false;
  steady::time_point fed_at_;
  std::atomic<steady::time_point> went_on_at_{};
  conc::thread thread_;
};

// Calls use(reader) on the carrier whose engine has the reader's operation.
template <class Use>
void with_reader_here(Use use) {
  for (;;) {
    waiting_reader reader;
    if (reader.began_on() == current_carrier()) {
      use(reader);
      return;
    }
    reader.feed();
  }
}

constexpr auto far_too_long = 10s;

void compute_until_it_goes_on(const waiting_reader& reader) {
  const auto end = steady::now() + far_too_long;
  while (!reader.went_on() && steady::now() < end) {
  }
  EXPECT_TRUE(reader.went_on());
}

}  // namespace

TEST(io_withheld, a_thread_that_computes) {
  conc::runtime rt({.processors = 2});
  rt.run([] {
    auto least = steady::duration::max();
    for (int round = 0; round < 20 && !testing::Test::HasFailure(); ++round) {
      with_reader_here([&](waiting_reader& reader) {
        reader.feed();
        if (!out_of_reach()) compute_until_it_goes_on(reader);
        least = out_of_reach() ? 0ns : std::min(least, reader.delay());
      });
    }
    // The bound is a millisecond; a loaded machine may break it often, but hardly always.
    EXPECT_LT(least, 10ms);
  });
}

// More than the queue of a ring holds, so that the kernel keeps the rest for later.
TEST(io_withheld, a_crowd) {
  conc::runtime rt({.processors = 2});
  rt.run([] {
    std::vector<std::unique_ptr<waiting_reader>> readers;
    for (int i = 0; i < conc_test::scaled(1500); ++i) {
      readers.push_back(std::make_unique<waiting_reader>());
    }
    const bool hopeless = out_of_reach();
    for (auto& r : readers) r->feed();
    if (hopeless) return;
    for (auto& r : readers) compute_until_it_goes_on(*r);
  });
}

TEST(io_withheld, a_system_call_of_the_programs_own) {
  conc::runtime rt({.processors = 2});
  rt.run([] {
    for (int round = 0; round < 20 && !testing::Test::HasFailure(); ++round) {
      auto [out, in] = conc_test::pipe_pair();
      with_reader_here([&, from = out.get(), to = in.get()](waiting_reader& reader) {
        const bool hopeless = out_of_reach();
        std::thread other([&] {
          reader.feed();
          EXPECT_TRUE(conc_test::eventually([&] { return hopeless || reader.went_on(); }));
          EXPECT_EQ(::write(to, "x", 1), 1);
        });
        char c;
        EXPECT_EQ(::read(from, &c, 1), 1);  // which the kernel restarts
        other.join();
      });
    }
  });
}

// With one processor, which goes to another carrier meanwhile.
TEST(io_withheld, a_blocking_section) {
  conc::runtime rt({.processors = 1});
  rt.run([] {
    for (int round = 0; round < 20 && !testing::Test::HasFailure(); ++round) {
      with_reader_here([](waiting_reader& reader) {
        const bool hopeless = out_of_reach();
        conc::blocking([&] {
          reader.feed();
          if (!hopeless) compute_until_it_goes_on(reader);
        });
      });
    }
  });
}

// Helpers and owners, and threads that are just about to wait, all at once.
TEST(io_withheld, conversations_among_threads_that_compute) {
  conc::runtime rt({.processors = 3});
  rt.run([] {
    constexpr int talks = 16, hogs = 2;
    const int rounds = conc_test::scaled(400);
    std::atomic<bool> over = false;
    std::vector<conc_test::fd_pair> pairs;
    std::vector<conc::thread> crew, computing;
    for (int i = 0; i < talks; ++i) pairs.push_back(conc_test::socket_pair());
    for (int i = 0; i < hogs; ++i) {
      computing.emplace_back([&, i] {
        for (unsigned n = 0; !over; ++n) {
          const auto end = steady::now() + std::chrono::microseconds(200 + (n * 7 + i) % 5 * 700);
          while (steady::now() < end && !over) {
          }
          conc::this_thread::yield();
        }
      });
    }
    for (int i = 0; i < talks; ++i) {
      for (const int fd : {pairs[i].a.get(), pairs[i].b.get()}) {
        crew.emplace_back([rounds, fd, begins = fd == pairs[i].a.get()] {
          for (int n = 0; n < rounds; ++n) {
            int got = -1;
            const auto sent = std::as_bytes(std::span(&n, 1));
            const auto room = std::as_writable_bytes(std::span(&got, 1));
            if (begins) {
              ASSERT_EQ(io::send(fd, sent, 0), sizeof n);
            }
            ASSERT_EQ(io::recv(fd, room, 0, {.deadline = 100s}), sizeof got);
            ASSERT_EQ(got, n);
            if (!begins) {
              ASSERT_EQ(io::send(fd, sent, 0), sizeof n);
            }
          }
        });
      }
    }
    for (auto& t : crew) t.join();
    over = true;
    for (auto& t : computing) t.join();
  });
}
