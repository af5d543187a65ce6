// The limit for a server on epoll: one kernel thread, level-triggered, nothing clever.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <unordered_map>

#include "io/listen.h"

using bench::fail;

namespace {

class server {
 public:
  explicit server(int listener) : listener_(listener), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poll_ < 0) fail("epoll_create1", errno);
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    epoll_event events[256];
    for (;;) {
      const int n = epoll_wait(poll_, events, 256, -1);
      if (n < 0 && errno != EINTR) fail("epoll_wait", errno);
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
    if (epoll_ctl(poll_, operation, fd, &e) != 0) fail("epoll_ctl", errno);
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;  // no more, or one that is already gone
      bench::send_at_once(fd);
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

int main() {
  auto echo = std::make_unique<server>(bench::listen_anywhere(SOCK_NONBLOCK));
  echo->run();
}
