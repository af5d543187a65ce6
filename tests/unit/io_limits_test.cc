// Deadlines and stop tokens: what they end, what they leave alone, and that they are never early.
#include <sys/ioctl.h>

#include <cerrno>
#include <chrono>
#include <stop_token>
#include <thread>

#include "conc/conc.h"
#include "support/children.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using conc_test::bytes_of;
using conc_test::in_each_world;
using conc_test::text_buffer;

namespace {

// Runs a call that must end at its deadline, and not before.
template <class Call>
void expect_timed_out(const char* name, Call call) {
  const auto start = clock_type::now();
  std::error_code ec;
  call(ec, io::options{.deadline = 15ms});
  EXPECT_EQ(ec, std::errc::timed_out) << name;
  EXPECT_GE(clock_type::now() - start, 15ms) << name;

  ec.clear();
  call(ec, io::options{.deadline = clock_type::now() - 1s});
  EXPECT_EQ(ec, std::errc::timed_out) << name << ": a deadline in the past";
}

// Runs a call that must end because of a stop request: one that comes while it waits, and one that
// was there before. A kernel thread that asks finds all carriers asleep.
template <class Call>
void expect_stopped(const char* name, Call call) {
  for (const auto delay : {0us, 200us, 5000us}) {
    std::stop_source source;
    const auto stop = [&](int) {
      conc::this_thread::sleep_for(delay);
      source.request_stop();
    };
    conc_test::crew stopper;
    delay == 5000us ? stopper.kernels(1, stop) : stopper.users(1, stop);
    std::error_code ec;
    call(ec, io::options{.stop = source.get_token()});
    EXPECT_EQ(ec, std::errc::operation_canceled) << name;
    stopper.join();
    ec.clear();
    call(ec, io::options{.stop = source.get_token()});
    EXPECT_EQ(ec, std::errc::operation_canceled) << name << ": the request stood before the call";
  }
}

void fill(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  const std::vector<char> junk(1 << 16);
  while (::write(fd, junk.data(), junk.size()) > 0) {
  }
  while (::write(fd, junk.data(), 1) > 0) {
  }
  ::fcntl(fd, F_SETFL, flags);
}

// Every call that can wait without end, in a situation where it does.
template <class Check>
void each_endless_wait(Check check) {
  in_each_world([&] {
    auto [out, in] = conc_test::pipe_pair();
    auto [full_out, full_in] = conc_test::pipe_pair();
    fill(full_in.get());
    auto [a, b] = conc_test::socket_pair();
    auto [c, d] = conc_test::socket_pair();
    fill(c.get());
    const conc_test::tcp_listener listener;
    text_buffer t;
    const std::span<const std::byte> bytes = t.all();
    check("read", [&, fd = out.get()](auto& e, const auto& o) { io::read(fd, t.all(), e, o); });
    check("write", [&, fd = full_in.get()](auto& e, const auto& o) { io::write(fd, bytes, e, o); });
    check("recv", [&, fd = a.get()](auto& e, const auto& o) { io::recv(fd, t.all(), 0, e, o); });
    check("recv all",
          [&, fd = a.get()](auto& e, const auto& o) { io::recv(fd, t.all(), MSG_WAITALL, e, o); });
    check("send", [&, fd = c.get()](auto& e, const auto& o) { io::send(fd, bytes, 0, e, o); });
    check("accept", [&, fd = listener.fd.get()](auto& e, const auto& o) {
      EXPECT_EQ(io::accept(fd, nullptr, nullptr, e, o), -1);
    });
    const iovec v{t.data, sizeof t.data};
    msghdr m{};
    m.msg_iov = const_cast<iovec*>(&v);
    m.msg_iovlen = 1;
    check("readv", [&, fd = out.get()](auto& e, const auto& o) { io::readv(fd, {&v, 1}, e, o); });
    check("writev", [&, fd = full_in.get()](auto& e, const auto& o) {
      io::writev(fd, {&v, 1}, e, o);
    });
    check("recvmsg", [&, fd = a.get()](auto& e, const auto& o) { io::recvmsg(fd, &m, 0, e, o); });
    check("sendmsg", [&, fd = c.get()](auto& e, const auto& o) { io::sendmsg(fd, &m, 0, e, o); });
    check("splice in", [&, from = out.get(), to = a.get()](auto& e, const auto& o) {
      io::splice(from, nullptr, to, nullptr, 9, 0, e, o);
    });
    check("splice out", [&, from = full_out.get(), to = c.get()](auto& e, const auto& o) {
      io::splice(from, nullptr, to, nullptr, 9, 0, e, o);
    });
    check("poll", [&, p = out.get(), s = a.get()](auto& e, const auto& o) {
      pollfd both[] = {{p, POLLIN, 0}, {s, POLLIN, 0}};
      EXPECT_EQ(io::poll(both, e, o), -1);
    });
    const conc_test::lasting_child child;
    for (const pid_t whom : {child.pid, -1}) {
      check("waitpid",
            [&](auto& e, const auto& o) { EXPECT_EQ(io::waitpid(whom, nullptr, 0, e, o), -1); });
    }
    const conc_test::temporary_file fifo;
    ::unlink(fifo.path.c_str());
    ASSERT_EQ(::mkfifo(fifo.path.c_str(), 0600), 0);
    check("open", [&](auto& e, const auto& o) {
      EXPECT_EQ(io::open(fifo.path.c_str(), O_RDONLY, 0, e, o), -1);
    });
    // A listener whose queue is full leaves further connections in the air.
    const conc_test::tcp_listener deaf(0);
    std::vector<io::unique_fd> filling;
    std::error_code ec;
    for (int i = 0; i < 8 && !ec; ++i) {
      filling.emplace_back(::socket(AF_INET, SOCK_STREAM, 0));
      io::connect(filling.back().get(), deaf.where(), sizeof deaf.address, ec, {.deadline = 50ms});
    }
    EXPECT_EQ(ec, std::errc::timed_out);
    check("connect", [&](auto& e, const auto& o) {
      const io::unique_fd fd(::socket(AF_INET, SOCK_STREAM, 0));
      EXPECT_EQ(io::connect(fd.get(), deaf.where(), sizeof deaf.address, e, o), -1);
    });
  });
}

}  // namespace

TEST(io_limits, every_wait_ends_at_its_deadline_and_not_before) {
  each_endless_wait([](const char* name, auto call) { expect_timed_out(name, call); });
}

TEST(io_limits, every_wait_ends_on_a_stop_request) {
  each_endless_wait([](const char* name, auto call) { expect_stopped(name, call); });
}

// They wait for nobody, so what counts is what stood before the call.
TEST(io_limits, calls_that_never_wait_do_not_begin_too_late) {
  in_each_world([] {
    std::stop_source source;
    source.request_stop();
    const std::pair<io::options, std::errc> limits[] = {
        {{.stop = source.get_token()}, std::errc::operation_canceled},
        {{.deadline = clock_type::now() - 1s}, std::errc::timed_out},
    };
    for (const auto& [how, why] : limits) {
      const io::unique_fd fd(::socket(AF_INET, SOCK_STREAM, 0));
      sockaddr_in any{};
      any.sin_family = AF_INET;
      const auto* const where = reinterpret_cast<const sockaddr*>(&any);
      auto [a, b] = conc_test::socket_pair();
      std::error_code ec;
      EXPECT_EQ(io::socket(AF_INET, SOCK_STREAM, 0, ec, how), -1);
      EXPECT_EQ(ec, why);
      EXPECT_EQ(io::bind(fd.get(), where, sizeof any, ec, how), -1);
      EXPECT_EQ(ec, why);
      EXPECT_EQ(io::listen(fd.get(), 1, ec, how), -1);
      EXPECT_EQ(ec, why);
      EXPECT_EQ(io::shutdown(a.get(), SHUT_WR, ec, how), -1);
      EXPECT_EQ(ec, why);
      EXPECT_EQ(::send(a.get(), "x", 1, 0), 1) << "it was not shut down";

      const io::options in_time{.deadline = 100s, .stop = std::stop_source().get_token()};
      EXPECT_TRUE(io::unique_fd(io::socket(AF_INET, SOCK_STREAM, 0, ec, in_time)));
      EXPECT_EQ(io::bind(fd.get(), where, sizeof any, ec, in_time), 0);
      EXPECT_EQ(io::listen(fd.get(), 1, ec, in_time), 0);
      EXPECT_EQ(io::shutdown(a.get(), SHUT_WR, ec, in_time), 0);
      EXPECT_EQ(io::close(::dup(a.get()), ec, how), 0) << "what is closed is closed in any case";
    }
  });
}

TEST(io_limits, the_throwing_form_throws_them) {
  auto [a, b] = conc_test::socket_pair();
  text_buffer t;
  conc::thread([&, fd = a.get()] {
    try {
      io::recv(fd, t.all(), 0, {.deadline = 1ms});
      ADD_FAILURE() << "no exception";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::timed_out);
    }
    std::stop_source source;
    source.request_stop();
    try {
      io::recv(fd, t.all(), 0, {.stop = source.get_token()});
      ADD_FAILURE() << "no exception";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::operation_canceled);
    }
  }).join();
}

TEST(io_limits, what_is_there_beats_a_deadline_that_has_passed) {
  in_each_world([] {
    const io::options late{.deadline = clock_type::time_point::min()};
    auto [a, b] = conc_test::socket_pair();
    auto [out, in] = conc_test::pipe_pair();
    conc_test::tcp_listener listener;
    const io::unique_fd client(::socket(AF_INET, SOCK_STREAM, 0));
    text_buffer t;
    EXPECT_EQ(io::connect(client.get(), listener.where(), sizeof listener.address), 0);
    // A receive that finds nothing must not make the next one believe the same.
    std::error_code ec;
    EXPECT_EQ(io::recv(b.get(), t.all(), 0, ec, late), 0u);
    EXPECT_EQ(ec, std::errc::timed_out);
    EXPECT_EQ(io::send(a.get(), bytes_of("now"), 0, late), 3u);
    EXPECT_EQ(io::recv(b.get(), t.all(), 0, late), 3u);
    EXPECT_EQ(io::send(a.get(), bytes_of("all"), 0, late), 3u);
    EXPECT_EQ(io::recv(b.get(), t.all().first(3), MSG_WAITALL, late), 3u);
    EXPECT_EQ(io::write(in.get(), bytes_of("now"), late), 3u);
    EXPECT_EQ(io::read(out.get(), t.all(), late), 3u);
    EXPECT_TRUE(io::unique_fd(io::accept(listener.fd.get(), nullptr, nullptr, late)));
  });
}

// Data comes while the carrier is busy elsewhere, and the deadline passes too before anybody looks.
TEST(io_limits, data_that_came_in_time_wins) {
  conc::runtime rt({.processors = 1});
  auto [a, b] = conc_test::socket_pair();
  rt.run([&, from = a.get(), to = b.get()] {
    conc::latch waiting(1);
    std::size_t got = 0;
    std::error_code ec;
    conc::thread reader([&] {
      text_buffer t;
      waiting.count_down();
      got = io::recv(from, t.all(), 0, ec, {.deadline = 20ms});
    });
    waiting.wait();
    conc::this_thread::sleep_for(1ms);  // the reader's operation is with the kernel now
    ASSERT_EQ(::send(to, "x", 1, 0), 1);
    const auto busy_until = clock_type::now() + 40ms;
    while (clock_type::now() < busy_until) {
    }
    reader.join();
    EXPECT_EQ(got, 1u) << ec.message();
  });
}

// Nothing that a call has refused to deliver may be lost: it is there for the next call.
TEST(io_limits, a_call_that_gave_up_has_taken_nothing) {
  in_each_world([] {
    auto [a, b] = conc_test::socket_pair();
    unsigned char sent = 0, expected = 0;
    for (int round = 0; round < 300; ++round) {
      const auto wait = std::chrono::microseconds(round % 60);
      conc::thread sender([&, to = a.get()] {
        conc::this_thread::sleep_for(30us);
        const std::byte one{sent++};
        io::send(to, std::span(&one, 1), 0);
      });
      std::error_code ec;
      std::byte got{};
      while (io::recv(b.get(), std::span(&got, 1), 0, ec, {.deadline = wait}) == 0) {
        ASSERT_EQ(ec, std::errc::timed_out);
      }
      ASSERT_EQ(got, std::byte{expected++});
      sender.join();
    }
  });
}

TEST(io_limits, the_buffer_is_left_alone_after_the_return) {
  auto [a, b] = conc_test::socket_pair();
  conc::thread([&, from = a.get(), to = b.get()] {
    for (int i = 0; i < 200; ++i) {
      std::array<std::byte, 64> buffer{};
      std::error_code ec;
      ASSERT_EQ(io::recv(from, buffer, 0, ec, {.deadline = 10us}), 0u);
      ASSERT_EQ(::send(to, "overwritten", 11, 0), 11);
      conc::this_thread::yield();
      ASSERT_EQ(buffer, (std::array<std::byte, 64>{}));
      text_buffer t;
      ASSERT_EQ(io::recv(from, t.all(), 0), 11u);
    }
  }).join();
}

// One token for many waits, and the tokens' callbacks on kernel threads and user threads alike.
TEST(io_limits, one_request_stops_a_hundred_waits) {
  for (const bool from_kernel_thread : {false, true}) {
    std::stop_source source;
    std::vector<conc_test::fd_pair> pairs;
    for (int i = 0; i < 100; ++i) pairs.push_back(conc_test::socket_pair());
    std::atomic<int> stopped = 0;
    conc_test::crew crew;
    crew.users(95, [&](int i) {
      text_buffer t;
      std::error_code ec;
      io::recv(pairs[i].a.get(), t.all(), 0, ec, {.deadline = 100s, .stop = source.get_token()});
      if (ec == std::errc::operation_canceled) ++stopped;
    });
    crew.kernels(5, [&](int i) {
      text_buffer t;
      std::error_code ec;
      io::recv(pairs[i].a.get(), t.all(), 0, ec, {.stop = source.get_token()});
      if (ec == std::errc::operation_canceled) ++stopped;
    });
    conc::this_thread::sleep_for(2ms);
    if (from_kernel_thread) {
      std::thread([&] { source.request_stop(); }).join();
    } else {
      conc::thread([&] { source.request_stop(); }).join();
    }
    crew.join();
    EXPECT_EQ(stopped, 100);
  }
}

// A stop request and a completion meet at every possible distance.
TEST(io_limits, a_stop_request_races_with_data) {
  auto [a, b] = conc_test::socket_pair();
  conc::thread([&, from = a.get(), to = b.get()] {
    int stopped = 0, came = 0;
    for (int i = 0; i < 1000; ++i) {
      std::stop_source source;
      conc::thread stopper([&] { source.request_stop(); });
      conc::thread sender([&] { ASSERT_EQ(::send(to, "x", 1, 0), 1); });
      text_buffer t;
      std::error_code ec;
      const std::size_t n = io::recv(from, t.all(), 0, ec, {.stop = source.get_token()});
      if (n == 0) {
        ASSERT_EQ(ec, std::errc::operation_canceled);
        ++stopped;
        ASSERT_EQ(io::recv(from, t.all(), 0), 1u) << "the byte is still there";
      } else {
        ++came;
      }
      stopper.join();
      sender.join();
    }
    EXPECT_EQ(stopped + came, 1000);
  }).join();
}

TEST(io_limits, deadlines_far_away_do_not_overflow) {
  auto [a, b] = conc_test::socket_pair();
  conc::thread([&, from = a.get(), to = b.get()] {
    for (const io::time_limit limit :
         {io::time_limit(clock_type::time_point::max()), io::time_limit(std::chrono::hours::max()),
          io::time_limit(std::chrono::hours(24 * 365 * 100)), io::time_limit()}) {
      conc::thread sender([&] { ASSERT_EQ(::send(to, "x", 1, 0), 1); });
      text_buffer t;
      EXPECT_EQ(io::recv(from, t.all(), 0, {.deadline = limit}), 1u);
      sender.join();
    }
  }).join();
}
