// The limit for a server on io_uring: one kernel thread, one ring, a state machine a connection.
//
// The flags that suit one thread best (a single issuer, task work when we ask for it), one system
// call for everything that a round has to submit and to wait for, multishot accept.
#include <liburing.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "io/listen.h"

namespace {

struct connection {
  int fd;
  bool sending = false;
  unsigned begin = 0, end = 0;
  std::array<char, 4096> buffer;
};

class server {
 public:
  explicit server(int listener) : listener_(listener) {
    io_uring_params how{};
    how.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    how.cq_entries = 32'768;
    const int error = io_uring_queue_init_params(4096, &ring_, &how);
    if (error < 0) bench::fail("io_uring_setup", -error);
    accept();
  }

  [[noreturn]] void run() {
    for (;;) {
      const int error = io_uring_submit_and_wait(&ring_, 1);
      if (error < 0 && error != -EINTR) bench::fail("io_uring_enter", -error);
      unsigned head, seen = 0;
      io_uring_cqe* e;
      io_uring_for_each_cqe(&ring_, head, e) {
        ++seen;
        if (e->user_data == 0) {
          accepted(*e);
        } else {
          moved(*reinterpret_cast<connection*>(e->user_data), e->res);
        }
      }
      io_uring_cq_advance(&ring_, seen);
    }
  }

 private:
  io_uring_sqe* entry() {
    io_uring_sqe* e = io_uring_get_sqe(&ring_);
    while (e == nullptr) {
      io_uring_submit(&ring_);
      e = io_uring_get_sqe(&ring_);
    }
    return e;
  }

  void accept() {
    io_uring_sqe* e = entry();
    io_uring_prep_multishot_accept(e, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    e->user_data = 0;
  }
  void accepted(const io_uring_cqe& e) {
    if (e.res >= 0) {
      bench::send_at_once(e.res);
      receive(*new connection{.fd = e.res, .buffer = {}});
    }
    if (!(e.flags & IORING_CQE_F_MORE)) accept();
  }

  void receive(connection& c) {
    io_uring_sqe* e = entry();
    c.sending = false;
    io_uring_prep_recv(e, c.fd, c.buffer.data(), c.buffer.size(), 0);
    e->user_data = reinterpret_cast<std::uintptr_t>(&c);
  }
  void send(connection& c) {
    io_uring_sqe* e = entry();
    c.sending = true;
    io_uring_prep_send(e, c.fd, c.buffer.data() + c.begin, c.end - c.begin, MSG_NOSIGNAL);
    e->user_data = reinterpret_cast<std::uintptr_t>(&c);
  }
  void moved(connection& c, int result) {
    if (result <= 0) {
      close(c.fd);
      delete &c;
    } else if (!c.sending) {
      c.begin = 0;
      c.end = static_cast<unsigned>(result);
      send(c);
    } else {
      c.begin += static_cast<unsigned>(result);
      c.begin < c.end ? send(c) : receive(c);
    }
  }

  const int listener_;
  io_uring ring_{};
};

}  // namespace

int main() { server(bench::listen_anywhere(0)).run(); }
