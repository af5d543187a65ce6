// The owners of descriptors: who closes what, and that nothing leaks whatever goes wrong.
#include <concepts>
#include <utility>

#include "conc/conc.h"
#include "support/error_of.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/io_waiters.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc_test::bytes_of;
using conc_test::error_of;
using conc_test::in_each_world;
using conc_test::text_buffer;

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
bool is_close_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

struct connected {
  io::listener listener = io::listener::listen(io::socket_address::loopback(0));
  io::stream_socket client, server;
  connected() {
    client = io::stream_socket::connect(listener.local_address());
    server = listener.accept();
  }
};

}  // namespace

// The same for every owner, made from one end of a socket pair.
template <class Owner>
class io_owner : public testing::Test {
 protected:
  io_owner() {
    auto [a, b] = conc_test::socket_pair();
    number_ = a.get();
    owner_ = Owner(std::move(a));
  }
  Owner owner_;
  int number_;
};
using owners = testing::Types<io::file, io::stream_socket, io::datagram_socket, io::listener>;
TYPED_TEST_SUITE(io_owner, owners);

TYPED_TEST(io_owner, closes_at_its_end) {
  static_assert(!std::copyable<TypeParam>);
  static_assert(std::is_nothrow_move_constructible_v<TypeParam>);
  static_assert(std::is_nothrow_move_assignable_v<TypeParam>);
  { const TypeParam local = std::move(this->owner_); }
  EXPECT_FALSE(is_open(this->number_));
}

TYPED_TEST(io_owner, moves_and_leaves_nothing_behind) {
  TypeParam other = std::move(this->owner_);
  EXPECT_FALSE(this->owner_);
  EXPECT_EQ(this->owner_.fd(), -1);
  EXPECT_EQ(other.fd(), this->number_);
  auto [a, b] = conc_test::socket_pair();
  const int second = a.get();
  this->owner_ = TypeParam(std::move(a));
  this->owner_ = std::move(other);
  EXPECT_FALSE(is_open(second)) << "assignment closes what was there";
  EXPECT_EQ(this->owner_.fd(), this->number_);
}

TYPED_TEST(io_owner, survives_a_move_to_itself) {
  TypeParam& same = this->owner_;
  this->owner_ = std::move(same);
  EXPECT_EQ(this->owner_.fd(), this->number_);
  EXPECT_TRUE(is_open(this->number_));
}

TYPED_TEST(io_owner, gives_away) {
  {
    const io::unique_fd taken = this->owner_.release();
    EXPECT_FALSE(this->owner_);
    EXPECT_EQ(taken.get(), this->number_);
    EXPECT_TRUE(is_open(this->number_));
  }
  EXPECT_FALSE(is_open(this->number_));
}

TYPED_TEST(io_owner, closes_when_asked_and_says_so_if_there_was_nothing) {
  this->owner_.close();
  EXPECT_FALSE(is_open(this->number_));
  EXPECT_FALSE(this->owner_);
  EXPECT_EQ(error_of([&] { this->owner_.close(); }), std::errc::bad_file_descriptor);
  std::error_code error;
  this->owner_.close(error);
  EXPECT_EQ(error, std::errc::bad_file_descriptor);
}

TEST(io_owners, file_reads_and_writes) {
  in_each_world([] {
    const conc_test::temporary_file path;
    io::file f = io::file::open(path.path.c_str(), O_RDWR | O_TRUNC);
    EXPECT_TRUE(is_close_on_exec(f.fd()));
    EXPECT_EQ(f.write(bytes_of("0123456789")), 10u);
    EXPECT_EQ(f.pwrite(bytes_of("AB"), 4), 2u);
    f.sync();
    text_buffer t;
    EXPECT_EQ(f.pread(t.all(), 3), 7u);
    EXPECT_EQ(t.first(7), "3AB6789");
    EXPECT_EQ(f.read(t.all()), 0u);
    std::error_code error;
    EXPECT_EQ(f.write_all(bytes_of("more"), error), 4u);
    EXPECT_FALSE(error);
    f.close(error);
    EXPECT_FALSE(error);
  });
}

TEST(io_owners, a_refused_open_owns_nothing) {
  in_each_world([] {
    std::error_code error;
    EXPECT_FALSE(io::file::open("/nowhere/at/all", O_RDONLY, 0, error));
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(error_of([] { io::file::open("/nowhere/at/all", O_RDONLY); }),
              std::errc::no_such_file_or_directory);
  });
}

TEST(io_owners, tcp_over_both_protocols) {
  in_each_world([] {
    for (const char* host : {"127.0.0.1", "::1"}) {
      std::error_code error;
      io::listener l = io::listener::listen(io::socket_address::ip(host, 0), 8, error);
      // Only a machine without IPv6 may lack the second.
      if (error == std::errc::address_not_available && host[0] == ':') continue;
      ASSERT_FALSE(error) << error.message();
      EXPECT_NE(l.local_port(), 0);
      EXPECT_TRUE(is_close_on_exec(l.fd()));
      io::stream_socket client = io::stream_socket::connect(l.local_address());
      io::stream_socket server = l.accept();
      EXPECT_TRUE(is_close_on_exec(client.fd()) && is_close_on_exec(server.fd()));
      EXPECT_EQ(client.remote_address(), l.local_address());
      EXPECT_EQ(server.remote_address(), client.local_address());
      client.set_no_delay();
      EXPECT_EQ(client.send(bytes_of("question")), 8u);
      text_buffer t;
      EXPECT_EQ(server.recv_exactly(t.all().first(8)), 8u);
      EXPECT_EQ(server.send_all(bytes_of("answer")), 6u);
      EXPECT_EQ(client.recv(t.all()), 6u);
      EXPECT_EQ(t.first(6), "answer");
      client.shutdown(SHUT_WR);
      EXPECT_EQ(server.recv(t.all()), 0u);
    }
  });
}

TEST(io_owners, unix_sockets_by_path_and_in_the_abstract) {
  in_each_world([] {
    const conc_test::temporary_file file;
    ::unlink(file.path.c_str());
    using namespace std::string_literals;
    for (const std::string& name : {file.path, "\0"s + file.path}) {
      const auto where = io::socket_address::local(name);
      io::listener l = io::listener::listen(where);
      EXPECT_EQ(l.local_address(), where);
      EXPECT_EQ(l.local_port(), 0);
      io::stream_socket client = io::stream_socket::connect(where), server = l.accept();
      client.send_all(bytes_of("x"));
      text_buffer t;
      EXPECT_EQ(server.recv(t.all()), 1u);
      std::error_code error;
      client.set_no_delay(true, error);
      EXPECT_EQ(error, std::errc::operation_not_supported);
    }
    EXPECT_EQ(error_of([&] { io::listener::listen(io::socket_address::local(file.path)); }),
              std::errc::address_in_use)
        << "the file is the user's to remove";
  });
}

TEST(io_owners, accept_ends_by_shutdown_stop_and_deadline) {
  in_each_world([] {
    io::listener l = io::listener::listen(io::socket_address::loopback(0));
    std::error_code error;
    EXPECT_FALSE(l.accept(error, {.deadline = 1ms}));
    EXPECT_EQ(error, std::errc::timed_out);
    std::stop_source stop;
    const conc_test::io_caller caller;
    conc::thread stopper([&] {
      EXPECT_TRUE(caller.eventually_waits());
      stop.request_stop();
    });
    EXPECT_FALSE(l.accept(error, {.stop = stop.get_token()}));
    EXPECT_EQ(error, std::errc::operation_canceled);
    stopper.join();
    conc::thread ender([&] {
      EXPECT_TRUE(caller.eventually_waits());
      l.shutdown();
    });
    EXPECT_FALSE(l.accept(error));
    EXPECT_EQ(error, std::errc::invalid_argument);
    ender.join();
    EXPECT_EQ(error_of([&] { l.accept(); }), std::errc::invalid_argument);
  });
}

TEST(io_owners, datagrams) {
  in_each_world([] {
    auto a = io::datagram_socket::bind(io::socket_address::loopback(0));
    auto b = io::datagram_socket::bind(io::socket_address::loopback(0));
    EXPECT_TRUE(is_close_on_exec(a.fd()));
    text_buffer t;
    EXPECT_EQ(error_of([&] { a.send(bytes_of("to whom?")); }),
              std::errc::destination_address_required);
    a.connect(b.local_address());
    b.connect(a.local_address());
    EXPECT_EQ(a.send(bytes_of("one")), 3u);
    EXPECT_EQ(a.send(bytes_of("")), 0u);
    EXPECT_EQ(a.send(bytes_of("three")), 5u);
    EXPECT_EQ(b.recv(t.all()), 3u);
    EXPECT_EQ(b.recv(t.all()), 0u) << "an empty message, not an end";
    EXPECT_EQ(b.recv(t.all().first(2)), 2u) << "the rest is lost";
    std::error_code error;
    EXPECT_EQ(b.recv(t.all(), error, {.deadline = 1ms}), 0u);
    EXPECT_EQ(error, std::errc::timed_out);
  });
}

TEST(io_owners, a_peer_that_has_gone_is_an_error_and_no_signal) {
  in_each_world([] {
    connected c;
    c.server.close();
    std::error_code error;
    // The first may still go into the peer's grave; its answer makes the next one fail.
    EXPECT_TRUE(conc_test::eventually([&] {
      c.client.send_all(bytes_of("x"), error);
      return static_cast<bool>(error);
    }));
    EXPECT_TRUE(error == std::errc::broken_pipe || error == std::errc::connection_reset) << error;
  });
}

// Each round would leak one descriptor at least. The first calls that wait make rings, two
// descriptors a carrier, which stay.
TEST(io_owners, refusals_leak_nothing) {
  in_each_world([] {
    constexpr int rounds = 50;
    const long before = conc_test::descriptors();
    for (int i = 0; i < rounds; ++i) {
      io::listener occupied = io::listener::listen(io::socket_address::loopback(0));
      const auto where = occupied.local_address();
      EXPECT_EQ(error_of([&] { io::listener::listen(where); }), std::errc::address_in_use);
      const auto foreign = io::socket_address::ip("192.0.2.1", 9);
      EXPECT_EQ(error_of([&] { io::datagram_socket::bind(foreign); }),
                std::errc::address_not_available);
      EXPECT_EQ(error_of([&] { io::stream_socket::connect({}); }),
                std::errc::address_family_not_supported);
      std::error_code error;
      EXPECT_FALSE(io::listener::listen(where, 8, error));
      EXPECT_FALSE(io::datagram_socket::bind(foreign, error));
      try {
        connected c;
        io::file f = io::file::open("/dev/null", O_RDONLY);
        throw 1;
      } catch (int) {
      }
      const conc_test::tcp_port deaf;
      const io::socket_address nobody(deaf.where(), sizeof deaf.address);
      EXPECT_EQ(error_of([&] { io::stream_socket::connect(nobody); }),
                std::errc::connection_refused);
    }
    const long rings = 2 * (conc::thread::hardware_concurrency() + 1);
    EXPECT_LT(conc_test::descriptors(), before + rings + rounds / 2);
  });
}

TEST(io_owners, owners_of_nothing_fail_as_a_bad_descriptor) {
  in_each_world([] {
    const auto bad = std::errc::bad_file_descriptor;
    text_buffer t;
    io::file f;
    io::stream_socket s;
    io::listener l;
    io::datagram_socket d;
    EXPECT_EQ(error_of([&] { f.read(t.all()); }), bad);
    EXPECT_EQ(error_of([&] { f.write_all(t.all()); }), bad);
    EXPECT_EQ(error_of([&] { f.sync(); }), bad);
    EXPECT_EQ(error_of([&] { s.recv(t.all()); }), bad);
    EXPECT_EQ(error_of([&] { s.recv_exactly(t.all()); }), bad);
    EXPECT_EQ(error_of([&] { s.send_all(t.all()); }), bad);
    EXPECT_EQ(error_of([&] { s.shutdown(SHUT_RDWR); }), bad);
    EXPECT_EQ(error_of([&] { s.local_address(); }), bad);
    EXPECT_EQ(error_of([&] { l.accept(); }), bad);
    EXPECT_EQ(error_of([&] { d.recv(t.all()); }), bad);
  });
}
