// conc::io::poll.
#include <array>
#include <chrono>

#include "conc/conc.h"
#include "support/files_of_process.h"
#include "support/io_waiters.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc_test::in_each_world;

TEST(io_poll, reports_what_is_ready) {
  in_each_world([] {
    auto [a, b] = conc_test::socket_pair();
    std::array<pollfd, 4> p{{{a.get(), POLLIN | POLLOUT, 0},
                             {b.get(), POLLIN, 0},
                             {-1, POLLIN, 7},
                             {a.get(), POLLIN, 0}}};
    EXPECT_EQ(io::poll(p), 1);
    EXPECT_EQ(p[0].revents, POLLOUT);
    EXPECT_EQ(p[1].revents, 0);
    EXPECT_EQ(p[2].revents, 0);
    b.reset();
    EXPECT_EQ(io::poll(std::span(p).first(1)), 1);
    EXPECT_TRUE(p[0].revents & POLLHUP);
    std::array<pollfd, 1> bad{{{1'000'000, POLLIN, 0}}};
    EXPECT_EQ(io::poll(bad), 1);
    EXPECT_EQ(bad[0].revents, POLLNVAL);
  });
}

TEST(io_poll, waits_for_each_of_several) {
  in_each_world([] {
    for (const std::size_t ready : {0, 1, 2}) {
      std::array<conc_test::fd_pair, 3> pairs{conc_test::socket_pair(), conc_test::pipe_pair(),
                                              conc_test::socket_pair(SOCK_DGRAM)};
      std::array<pollfd, 5> p{{{pairs[0].a.get(), POLLIN, 0},
                               {pairs[1].a.get(), POLLIN, 0},
                               {-1, 0, 0},
                               {pairs[2].a.get(), 0, 0},
                               {pairs[2].a.get(), POLLIN, 0}}};  // a twin
      const conc_test::io_caller caller;
      conc::thread writer([&] {
        EXPECT_TRUE(caller.eventually_waits());
        ASSERT_EQ(::write(pairs[ready].b.get(), "x", 1), 1);
      });
      EXPECT_EQ(io::poll(p), 1);
      EXPECT_EQ(p[ready == 2 ? 4 : ready].revents, POLLIN);
      writer.join();
    }
  });
}

TEST(io_poll, nothing_to_wait_for_but_the_deadline) {
  in_each_world([] {
    std::error_code ec;
    EXPECT_EQ(io::poll({}, ec, {.deadline = 2ms}), -1);
    EXPECT_EQ(ec, std::errc::timed_out);
    EXPECT_THROW(io::poll({}, {.deadline = 2ms}), std::system_error);
  });
}

TEST(io_poll, a_deadline_that_has_passed_asks_for_a_look_only) {
  in_each_world([] {
    const conc_test::fd_pair pair = conc_test::pipe_pair();
    std::array<pollfd, 1> p{{{pair.a.get(), POLLIN, 0}}};
    std::error_code ec;
    // One descriptor is left for nothing: whoever needed one more would say so.
    rlimit before;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none_left = before;
    none_left.rlim_cur = static_cast<rlim_t>(io::unique_fd(::dup(pair.a.get())).get());
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
    const int unready = io::poll(p, ec, {.deadline = -1ms});
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(unready, -1);
    EXPECT_EQ(ec, std::errc::timed_out);
    EXPECT_EQ(::write(pair.b.get(), "x", 1), 1);
    EXPECT_EQ(io::poll(p, ec, {.deadline = -1ms}), 1);
  });
}

// Descriptors that are always ready do not keep the other threads of a processor waiting for ever.
TEST(io_poll, gives_way_if_it_never_waits) {
  conc::runtime one({.processors = 1});
  one.run([] {
    const conc_test::fd_pair pair = conc_test::socket_pair();
    std::array<pollfd, 1> p{{{pair.a.get(), POLLOUT, 0}}};
    bool ran = false;
    conc::thread other([&] { ran = true; });
    int calls = 0;
    while (!ran && calls < 100'000) {
      EXPECT_EQ(io::poll(p), 1);
      ++calls;
    }
    EXPECT_LT(calls, 100'000);
    other.join();
  });
}

TEST(io_poll, too_many_descriptors_are_an_error) {
  in_each_world([] {
    std::vector<pollfd> all(2'000'000, pollfd{-1, POLLIN, 0});
    std::error_code ec;
    EXPECT_EQ(io::poll(all, ec, {.deadline = 2ms}), -1);
    EXPECT_EQ(ec, std::errc::invalid_argument);
  });
}
