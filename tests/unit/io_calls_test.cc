// Every call of conc::io, in both forms, from user-level threads and from kernel threads.
#include <sys/stat.h>

#include <cstring>
#include <stop_token>
#include <thread>

#include "conc/conc.h"
#include "support/error_of.h"
#include "support/eventually.h"
#include "support/io_waiters.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc_test::bytes_of;
using conc_test::error_of;
using conc_test::in_each_world;
using conc_test::text_buffer;

TEST(io_calls, pipe_carries_bytes) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair();
    EXPECT_EQ(io::write(in.get(), bytes_of("hello")), 5u);
    text_buffer b;
    EXPECT_EQ(io::read(out.get(), b.all()), 5u);
    EXPECT_EQ(b.first(5), "hello");
    in.reset();
    std::error_code ec = std::make_error_code(std::errc::io_error);
    EXPECT_EQ(io::read(out.get(), b.all(), ec), 0u);  // the end
    EXPECT_FALSE(ec) << "a success clears the error";
  });
}

TEST(io_calls, read_waits_for_the_writer) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair();
    conc::latch reading(1);
    conc::thread writer([&] {
      reading.wait();
      io::write(in.get(), bytes_of("late"));
    });
    text_buffer b;
    reading.count_down();
    EXPECT_EQ(io::read(out.get(), b.all()), 4u);
    EXPECT_EQ(b.first(4), "late");
    writer.join();
  });
}

TEST(io_calls, write_waits_for_room) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair();
    ::fcntl(in.get(), F_SETPIPE_SZ, 4096);
    const std::vector<std::byte> much(100'000, std::byte{7});
    std::size_t got = 0;
    conc::thread reader([&, from = out.get()] {
      std::vector<std::byte> b(1000);
      while (const std::size_t n = io::read(from, b)) {
        got += n;
        for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(b[i], std::byte{7});
      }
    });
    for (std::span<const std::byte> rest(much); !rest.empty();) {
      rest = rest.subspan(io::write(in.get(), rest));
    }
    in.reset();
    reader.join();
    EXPECT_EQ(got, much.size());
  });
}

TEST(io_calls, send_and_recv) {
  in_each_world([] {
    auto [a, b] = conc_test::socket_pair();
    text_buffer t;
    std::error_code ec;
    EXPECT_EQ(io::send(a.get(), bytes_of("ping"), MSG_NOSIGNAL), 4u);
    EXPECT_EQ(io::recv(b.get(), t.all(), MSG_PEEK, ec), 4u);
    EXPECT_EQ(io::recv(b.get(), t.all(), 0), 4u);
    EXPECT_EQ(t.first(4), "ping");
    EXPECT_EQ(io::recv(b.get(), t.all(), MSG_DONTWAIT, ec), 0u);
    EXPECT_EQ(ec, std::errc::resource_unavailable_try_again);
    EXPECT_EQ(io::shutdown(a.get(), SHUT_WR), 0);
    EXPECT_EQ(io::recv(b.get(), t.all(), 0, ec), 0u);
    EXPECT_FALSE(ec);
    b.reset();
    EXPECT_EQ(io::send(a.get(), bytes_of("x"), MSG_NOSIGNAL, ec), 0u);
    EXPECT_EQ(ec, std::errc::broken_pipe);
  });
}

TEST(io_calls, waitall_waits_for_all) {
  in_each_world([] {
    auto [a, b] = conc_test::socket_pair();
    EXPECT_EQ(io::send(a.get(), bytes_of("12345"), 0), 5u);
    conc::thread second([to = a.get()] { io::send(to, bytes_of("67890"), 0); });
    text_buffer t;
    EXPECT_EQ(io::recv(b.get(), t.all().first(10), MSG_WAITALL), 10u);
    EXPECT_EQ(t.first(10), "1234567890");
    second.join();
  });
}

TEST(io_calls, datagrams_keep_their_borders) {
  in_each_world([] {
    auto [a, b] = conc_test::socket_pair(SOCK_DGRAM);
    io::send(a.get(), bytes_of("one"), 0);
    io::send(a.get(), bytes_of("three"), 0);
    text_buffer t;
    EXPECT_EQ(io::recv(b.get(), t.all(), 0), 3u);
    EXPECT_EQ(io::recv(b.get(), t.all(), 0), 5u);
  });
}

TEST(io_calls, files) {
  in_each_world([] {
    const conc_test::temporary_file file;
    ::unlink(file.path.c_str());
    io::unique_fd fd(io::open(file.path.c_str(), O_RDWR | O_CREAT | O_EXCL, 0640));
    struct stat s;
    ASSERT_EQ(::fstat(fd.get(), &s), 0);
    EXPECT_EQ(
        s.st_mode & 0777, 0640u & ~[] {
          const mode_t m = ::umask(0);
          ::umask(m);
          return m;
        }());
    EXPECT_EQ(io::write(fd.get(), bytes_of("0123456789")), 10u);
    EXPECT_EQ(io::pwrite(fd.get(), bytes_of("AB"), 4), 2u);
    EXPECT_EQ(io::fsync(fd.get()), 0);
    text_buffer t;
    EXPECT_EQ(io::pread(fd.get(), t.all().first(4), 3), 4u);
    EXPECT_EQ(t.first(4), "3AB6");
    EXPECT_EQ(io::read(fd.get(), t.all()), 0u) << "the position is the end, pread does not move it";
    EXPECT_EQ(::lseek(fd.get(), 0, SEEK_SET), 0);
    EXPECT_EQ(io::read(fd.get(), t.all().first(2)), 2u);
    EXPECT_EQ(io::read(fd.get(), t.all()), 8u) << "read moves it";
    EXPECT_EQ(t.first(8), "23AB6789");
    std::error_code ec;
    EXPECT_EQ(io::pread(fd.get(), t.all(), -1, ec), 0u);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    EXPECT_EQ(io::pwrite(fd.get(), bytes_of("x"), -1, ec), 0u);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    EXPECT_EQ(io::open(file.path.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, ec), -1);
    EXPECT_EQ(ec, std::errc::file_exists);
    EXPECT_EQ(io::close(fd.release()), 0);
  });
}

// A plain open() of a FIFO waits for the other end.
TEST(io_calls, open_waits_at_a_fifo) {
  in_each_world([] {
    const conc_test::temporary_file file;
    ::unlink(file.path.c_str());
    ASSERT_EQ(::mkfifo(file.path.c_str(), 0600), 0);
    conc::thread writer([&] {
      const io::unique_fd in(io::open(file.path.c_str(), O_WRONLY, 0));
      io::write(in.get(), bytes_of("through"));
    });
    const io::unique_fd out(io::open(file.path.c_str(), O_RDONLY, 0));
    text_buffer t;
    EXPECT_EQ(io::read(out.get(), t.all()), 7u);
    writer.join();
    std::error_code ec;
    EXPECT_EQ(io::open(file.path.c_str(), O_RDONLY, 0, ec, {.deadline = 5ms}), -1);
    EXPECT_EQ(ec, std::errc::timed_out);
  });
}

TEST(io_calls, tcp_from_socket_to_close) {
  in_each_world([] {
    const io::unique_fd listener(io::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* where = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(io::bind(listener.get(), where, sizeof address), 0);
    EXPECT_EQ(io::listen(listener.get(), 8), 0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(listener.get(), where, &size), 0);

    conc::thread client([&] {
      const io::unique_fd fd(io::socket(AF_INET, SOCK_STREAM, 0));
      EXPECT_EQ(io::connect(fd.get(), where, sizeof address), 0);
      text_buffer t;
      EXPECT_EQ(io::send(fd.get(), bytes_of("question"), MSG_NOSIGNAL), 8u);
      EXPECT_EQ(io::recv(fd.get(), t.all(), 0), 6u);
    });
    sockaddr_in peer{};
    socklen_t peer_size = sizeof peer;
    io::unique_fd served(
        io::accept(listener.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size));
    EXPECT_EQ(peer_size, sizeof peer);
    EXPECT_EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    text_buffer t;
    EXPECT_EQ(io::recv(served.get(), t.all(), 0), 8u);
    EXPECT_EQ(io::send(served.get(), bytes_of("answer"), MSG_NOSIGNAL), 6u);
    EXPECT_EQ(io::recv(served.get(), t.all(), 0), 0u);
    client.join();
  });
}

// Non-blocking descriptors of the user's make nobody fail, and stay what they are.
TEST(io_calls, waits_on_nonblocking_descriptors) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair(O_NONBLOCK);
    auto [a, b] = conc_test::socket_pair(SOCK_STREAM | SOCK_NONBLOCK);
    conc_test::tcp_listener listener;
    ::fcntl(listener.fd.get(), F_SETFL, O_NONBLOCK);
    const conc_test::io_caller caller;
    conc::thread other([&, to_pipe = in.get(), to_socket = a.get()] {
      EXPECT_TRUE(caller.eventually_waits());
      io::write(to_pipe, bytes_of("p"));
      EXPECT_TRUE(caller.eventually_waits());
      io::send(to_socket, bytes_of("s"), 0);
      EXPECT_TRUE(caller.eventually_waits());
      const io::unique_fd fd(io::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      EXPECT_EQ(io::connect(fd.get(), listener.where(), sizeof listener.address), 0);
    });
    text_buffer t;
    EXPECT_EQ(io::read(out.get(), t.all()), 1u);
    EXPECT_EQ(io::recv(b.get(), t.all(), 0), 1u);
    EXPECT_TRUE(io::unique_fd(io::accept(listener.fd.get(), nullptr, nullptr)));
    other.join();
    EXPECT_TRUE(::fcntl(out.get(), F_GETFL) & O_NONBLOCK);
  });
}

TEST(io_calls, blocking_descriptors_stay_blocking) {
  in_each_world([] {
    auto [a, b] = conc_test::socket_pair();
    text_buffer t;
    std::error_code ec;
    io::recv(a.get(), t.all(), 0, ec, {.deadline = 1ms});
    io::send(a.get(), bytes_of("x"), 0, ec, {.deadline = 1ms});
    io::recv(b.get(), t.all(), 0, ec, {.deadline = 1ms});
    EXPECT_FALSE(::fcntl(a.get(), F_GETFL) & O_NONBLOCK);
    EXPECT_FALSE(::fcntl(b.get(), F_GETFL) & O_NONBLOCK);
  });
}

TEST(io_calls, every_call_reports_a_bad_descriptor_both_ways) {
  in_each_world([] {
    const auto bad = std::errc::bad_file_descriptor;
    text_buffer t;
    const auto in = t.all();
    const std::span<const std::byte> out = in;
    sockaddr_in any{};
    any.sin_family = AF_INET;
    const auto* to = reinterpret_cast<sockaddr*>(&any);
    std::error_code ec;
#define EXPECT_BAD(wanted, call, ...)                        \
  EXPECT_EQ(io::call(-1, __VA_ARGS__, ec), wanted) << #call; \
  EXPECT_EQ(ec, bad) << #call;                               \
  EXPECT_EQ(error_of([&] { io::call(-1, __VA_ARGS__); }), bad) << #call
    EXPECT_BAD(0u, read, in);
    EXPECT_BAD(0u, write, out);
    EXPECT_BAD(0u, pread, in, 0);
    EXPECT_BAD(0u, pwrite, out, 0);
    EXPECT_BAD(0u, recv, in, 0);
    EXPECT_BAD(0u, send, out, 0);
    EXPECT_BAD(-1, bind, to, sizeof any);
    EXPECT_BAD(-1, listen, 1);
    EXPECT_BAD(-1, accept, nullptr, nullptr);
    EXPECT_BAD(-1, connect, to, sizeof any);
    EXPECT_BAD(-1, shutdown, SHUT_RDWR);
#undef EXPECT_BAD
    EXPECT_EQ(io::close(-1, ec), -1);
    EXPECT_EQ(ec, bad);
    EXPECT_EQ(error_of([] { io::close(-1); }), bad);
    EXPECT_EQ(io::fsync(-1, ec), -1);
    EXPECT_EQ(ec, bad);
    EXPECT_EQ(error_of([] { io::fsync(-1); }), bad);
    EXPECT_EQ(io::socket(-1, SOCK_STREAM, 0, ec), -1);
    EXPECT_EQ(ec, std::errc::address_family_not_supported);
    EXPECT_EQ(error_of([] { io::socket(-1, SOCK_STREAM, 0); }),
              std::errc::address_family_not_supported);
    EXPECT_EQ(io::open("/nowhere/at/all", O_RDONLY, 0, ec), -1);
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
    EXPECT_EQ(error_of([] { io::open("/nowhere/at/all", O_RDONLY, 0); }),
              std::errc::no_such_file_or_directory);
  });
}

TEST(io_calls, connect_reports_a_refusal) {
  in_each_world([] {
    const conc_test::tcp_port deaf;
    const io::unique_fd fd(io::socket(AF_INET, SOCK_STREAM, 0));
    std::error_code ec;
    EXPECT_EQ(io::connect(fd.get(), deaf.where(), sizeof deaf.address, ec), -1);
    EXPECT_EQ(ec, std::errc::connection_refused);
  });
}

TEST(io_calls, an_error_names_the_call) {
  try {
    text_buffer t;
    io::recv(-1, t.all(), 0);
    FAIL() << "no exception";
  } catch (const std::system_error& e) {
    EXPECT_NE(std::strstr(e.what(), "conc::io::recv"), nullptr) << e.what();
  }
}

TEST(io_calls, unique_fd_owns) {
  auto [out, in] = conc_test::pipe_pair();
  const int number = in.get();
  io::unique_fd other = std::move(in);
  EXPECT_FALSE(in);
  EXPECT_EQ(other.get(), number);
  other = std::move(out);
  EXPECT_EQ(::fcntl(number, F_GETFD), -1) << "assignment closes what was there";
  swap(other, in);
  EXPECT_TRUE(in);
  const int kept = in.release();
  EXPECT_EQ(::fcntl(kept, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << "release does not close";
  EXPECT_EQ(io::close(kept), 0);
}
