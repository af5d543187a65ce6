// How every echo server of the comparison begins: on a free port of the loopback, which it prints.
#ifndef CONC_BENCH_IO_LISTEN_H
#define CONC_BENCH_IO_LISTEN_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

[[noreturn]] inline void fail(const char* what, int error) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(error));
  std::exit(1);
}

inline void announce(int fd) {
  sockaddr_in at{};
  socklen_t length = sizeof at;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&at), &length) != 0) fail("getsockname", errno);
  std::printf("listening on %d\n", ntohs(at.sin_port));
  std::fflush(stdout);
}

// `kind`: SOCK_NONBLOCK or 0.
inline int listen_anywhere(int kind) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | kind, 0);
  if (fd < 0) fail("socket", errno);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) fail("bind", errno);
  if (listen(fd, SOMAXCONN) != 0) fail("listen", errno);
  announce(fd);
  return fd;
}

inline void send_at_once(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace bench

#endif  // CONC_BENCH_IO_LISTEN_H
