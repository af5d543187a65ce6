// Connected descriptors for the tests of conc::io, made by plain system calls.
#ifndef CONC_TESTS_SUPPORT_SOCKETS_H
#define CONC_TESTS_SUPPORT_SOCKETS_H

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "conc/io.h"
#include "support/crew.h"

namespace conc_test {

// in_both_worlds(), which says in which of them the first failure was. (SCOPED_TRACE keeps its
// notes in a thread_local, and a user-level thread may come back on another kernel thread.)
template <class F>
void in_each_world(F f) {
  in_both_worlds([&](const char* who) {
    const bool failed_before = testing::Test::HasFailure();
    f();
    if (!failed_before && testing::Test::HasFailure()) ADD_FAILURE() << "that was a " << who;
  });
}

struct fd_pair {
  conc::io::unique_fd a, b;  // of a pipe: what is written to b is read from a
};

inline fd_pair socket_pair(int type = SOCK_STREAM) {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
  return {conc::io::unique_fd(fds[0]), conc::io::unique_fd(fds[1])};
}

inline fd_pair pipe_pair(int flags = 0) {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::pipe2(fds, O_CLOEXEC | flags), 0);
  return {conc::io::unique_fd(fds[0]), conc::io::unique_fd(fds[1])};
}

// A free TCP port of the loopback interface, which is taken. Nobody listens: connections to it are
// refused for as long as it lives, whatever other programs do.
struct tcp_port {
  conc::io::unique_fd fd;
  sockaddr_in address{};

  tcp_port() {
    fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  }
  const sockaddr* where() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// And one where somebody does.
struct tcp_listener : tcp_port {
  explicit tcp_listener(int backlog = 128) { EXPECT_EQ(::listen(fd.get(), backlog), 0); }
};

inline std::span<const std::byte> bytes_of(std::string_view s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}

// A buffer that shows as text what has come.
struct text_buffer {
  char data[256] = {};
  std::span<std::byte> all() { return std::as_writable_bytes(std::span(data)); }
  std::string first(std::size_t n) const { return std::string(data, n); }
};

// A file in the temporary folder, gone at the end.
struct temporary_file {
  std::string path = std::string(testing::TempDir()) + "conc_io_XXXXXX";
  temporary_file() { ::close(::mkstemp(path.data())); }
  ~temporary_file() { ::unlink(path.c_str()); }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
};

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_SOCKETS_H
