// Addresses as values: what goes in comes out.
#include <netinet/in.h>

#include "conc/conc.h"
#include "support/error_of.h"
#include "support/sockets.h"

using conc::io::socket_address;
using conc_test::error_of;
using namespace std::string_literals;

TEST(io_socket_address, internet) {
  const auto v4 = socket_address::ip("192.0.2.1", 8080);
  EXPECT_EQ(v4.family(), AF_INET);
  EXPECT_EQ(v4.size(), sizeof(sockaddr_in));
  EXPECT_EQ(v4.port(), 8080);
  EXPECT_EQ(v4.to_string(), "192.0.2.1:8080");
  const auto v6 = socket_address::ip("2001:db8::1", 443);
  EXPECT_EQ(v6.family(), AF_INET6);
  EXPECT_EQ(v6.size(), sizeof(sockaddr_in6));
  EXPECT_EQ(v6.port(), 443);
  EXPECT_EQ(v6.to_string(), "[2001:db8::1]:443");
  EXPECT_EQ(socket_address::loopback(7).to_string(), "127.0.0.1:7");
  for (const char* wrong : {"", "localhost", "1.2.3", "1.2.3.4.5", "::1::", "fe80::1%lo"}) {
    EXPECT_EQ(error_of([&] { socket_address::ip(wrong, 1); }), std::errc::invalid_argument)
        << wrong;
  }
}

TEST(io_socket_address, local) {
  const auto path = socket_address::local("/tmp/x");
  EXPECT_EQ(path.family(), AF_UNIX);
  EXPECT_EQ(path.port(), 0);
  EXPECT_EQ(path.to_string(), "/tmp/x");
  EXPECT_EQ(socket_address::local("\0name"s).to_string(), "@name");
  EXPECT_EQ(socket_address::local(std::string(107, 'p')).to_string(), std::string(107, 'p'));
  EXPECT_EQ(error_of([] { socket_address::local(std::string(108, 'p')); }),
            std::errc::filename_too_long);
}

TEST(io_socket_address, compares_and_copies) {
  EXPECT_EQ(socket_address(), socket_address());
  EXPECT_EQ(socket_address().to_string(), "");
  const auto a = socket_address::loopback(1);
  EXPECT_EQ(a, socket_address::ip("127.0.0.1", 1));
  EXPECT_NE(a, socket_address::loopback(2));
  EXPECT_NE(a, socket_address());
  EXPECT_NE(a, socket_address::ip("::1", 1));
  EXPECT_EQ(socket_address(a.data(), a.size()), a);
  EXPECT_EQ(error_of([&] { socket_address(a.data(), socket_address::room_size() + 1); }),
            std::errc::invalid_argument);
}

TEST(io_socket_address, never_claims_more_than_its_room) {
  socket_address a;
  a.resize(10'000);
  EXPECT_EQ(a.size(), socket_address::room_size());
}
