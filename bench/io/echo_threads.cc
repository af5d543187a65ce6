// The echo server that everybody would write if kernel threads were cheap: one for each connection.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "io/listen.h"

namespace {

void serve(int fd) {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    if (send(fd, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) break;
  }
  close(fd);
}

}  // namespace

int main() {
  const int listener = bench::listen_anywhere(0);
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) bench::fail("accept", errno);
    bench::send_at_once(fd);
    std::thread(serve, fd).detach();
  }
}
