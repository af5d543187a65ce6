// conc::io::poll.
#include <array>
#include <chrono>

#include "conc/conc.h"
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
      conc::thread writer([&] {
        conc::this_thread::sleep_for(3ms);
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

TEST(io_poll, too_many_descriptors_are_an_error) {
  in_each_world([] {
    std::vector<pollfd> all(2'000'000, pollfd{-1, POLLIN, 0});
    std::error_code ec;
    EXPECT_EQ(io::poll(all, ec, {.deadline = 2ms}), -1);
    EXPECT_EQ(ec, std::errc::invalid_argument);
  });
}
