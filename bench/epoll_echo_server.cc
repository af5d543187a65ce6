// The echo server to compare with: one kernel thread, level-triggered epoll, nothing clever.
//
// Prints "listening on PORT" when it accepts connections; runs until it is killed.
#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <absl/flags/usage.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>

ABSL_FLAG(int, port, 7777, "port to listen on, on 127.0.0.1; 0: any free one");

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) fail("bind");
  if (listen(fd, SOMAXCONN) != 0) fail("listen");
  socklen_t length = sizeof at;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&at), &length) != 0) fail("getsockname");
  std::printf("listening on %d\n", ntohs(at.sin_port));
  std::fflush(stdout);
  return fd;
}

class server {
 public:
  explicit server(int listener) : listener_(listener), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poll_ < 0) fail("epoll_create1");
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    epoll_event events[256];
    for (;;) {
      const int n = epoll_wait(poll_, events, 256, -1);
      if (n < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < n; ++i) {
        const int fd = events[i].data.fd;
        if (fd == listener_) {
          accept_all();
        } else if (!(events[i].events & EPOLLOUT ? write_rest(fd) : echo(fd))) {
          unsent_.erase(fd);
          close(fd);
        }
      }
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t events) {
    epoll_event e{};
    e.events = events;
    e.data.fd = fd;
    if (epoll_ctl(poll_, operation, fd, &e) != 0) fail("epoll_ctl");
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;  // no more, or one that is already gone
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  // These two return false when the connection has ended.
  bool echo(int fd) {
    const ssize_t n = recv(fd, buffer_, sizeof buffer_, 0);
    if (n <= 0) return n < 0 && errno == EAGAIN;
    const ssize_t sent = send(fd, buffer_, static_cast<std::size_t>(n), MSG_NOSIGNAL);
    if (sent == n) return true;
    if (sent < 0 && errno != EAGAIN) return false;
    // The peer reads slower than it writes: read nothing more from it until it has taken this.
    const std::size_t gone = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    unsent_[fd].assign(buffer_ + gone, static_cast<std::size_t>(n) - gone);
    watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
    return true;
  }

  bool write_rest(int fd) {
    std::string& rest = unsent_[fd];
    const ssize_t sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    rest.erase(0, static_cast<std::size_t>(sent));
    if (!rest.empty()) return true;
    unsent_.erase(fd);
    watch(EPOLL_CTL_MOD, fd, EPOLLIN);
    return true;
  }

  int listener_;
  int poll_;
  char buffer_[16 * 1024];
  std::unordered_map<int, std::string> unsent_;
};

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("A plain epoll TCP echo server.");
  absl::ParseCommandLine(argc, argv);
  auto echo = std::make_unique<server>(listen_on(absl::GetFlag(FLAGS_port)));
  echo->run();
}
