#include "io/emulation.h"

#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>

#include "conc/mutex.h"
#include "io/attempt.h"
#include "io/perform.h"
#include "io/section.h"
#include "locks/immortal.h"

namespace conc::detail {
namespace {

outcome block_in_section(const request& r) noexcept {
  return in_section([&] { return block_on(r); });
}

std::uint32_t direction(const request& r) noexcept {
  switch (r.opcode) {
    case IORING_OP_WRITE:
    case IORING_OP_WRITEV:
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG:
      return POLLOUT;
    default:
      return POLLIN;
  }
}

// One attempt for each wait. EAGAIN of a file means that it is not in memory, and waiting does not
// bring it there.
outcome transfer(const request& r, int tried, const io::options& how) noexcept {
  int done = tried != 0 ? tried : attempt(r);
  for (;; done = attempt(r)) {
    if (done == -EINTR) continue;
    if (done != -EAGAIN && done != -EOPNOTSUPP) return {done};
    const outcome o = wait_until_ready(r.fd, direction(r), how, true);
    if (o.is(EPERM) || (o.value >= 0 && done == -EOPNOTSUPP)) return block_in_section(r);
    if (o.value < 0) return o;
  }
}

// MSG_WAITALL: a part is an answer only if no more comes.
outcome transfer_all(request r, const io::options& how) noexcept {
  if (r.opcode != IORING_OP_RECV && r.opcode != IORING_OP_SEND) return transfer(r, 0, how);
  int all = 0;
  for (;;) {
    const outcome o = transfer(r, 0, how);
    if (o.value <= 0) return all > 0 ? outcome{all} : o;
    all += o.value;
    r.address = static_cast<const std::byte*>(r.address) + o.value;
    r.length -= static_cast<std::uint32_t>(o.value);
    if (r.length == 0 || (r.operation_flags & MSG_PEEK) != 0) return {all};
  }
}

outcome message(const request& r, int tried, const io::options& how) noexcept {
  if (r.operation_flags & MSG_DONTWAIT) return {attempt(r)};
  return r.operation_flags & MSG_WAITALL ? transfer_all(r, how) : transfer(r, tried, how);
}

constexpr unsigned counters = 16;
constinit immortal<std::array<mutex, counters>> turns;

bool has_connection(int listener) noexcept {
  request r;
  r.fd = listener;
  r.operation_flags = POLLIN;
  return poll_one(r, 0) != -EAGAIN;
}

// accept() cannot be told not to wait. So the threads of this process take turns between the look
// whether there is a connection and its acceptance.
outcome accept_in_turn(const request& r, const io::options& how) noexcept {
  for (;;) {
    if (const outcome o = wait_until_ready(r.fd, POLLIN, how, false); o.value < 0) return o;
    const std::lock_guard turn(turns.object[static_cast<unsigned>(r.fd) % counters]);
    if (!has_connection(r.fd)) continue;
    const outcome o = block_in_section(r);
    if (!o.is(EAGAIN)) return o;
  }
}

// A connect() that does not wait for longer than it takes to try: for the tick of the kernel's
// clock that is the shortest limit there is. Nobody else uses a socket that is not connected.
[[gnu::noinline]] int connect_briefly(const request& r) noexcept {
  timeval before{};
  socklen_t size = sizeof before;
  const timeval brief{0, 1};
  const bool limited = getsockopt(r.fd, SOL_SOCKET, SO_SNDTIMEO, &before, &size) == 0 &&
                       setsockopt(r.fd, SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief) == 0;
  const int done =
      ::connect(r.fd, static_cast<const sockaddr*>(r.address), static_cast<socklen_t>(r.offset));
  const int error = done < 0 ? errno : 0;
  if (limited) setsockopt(r.fd, SOL_SOCKET, SO_SNDTIMEO, &before, sizeof before);
  return -error;
}

[[gnu::noinline]] int socket_error(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

outcome connect(const request& r, const io::options& how) noexcept {
  for (nanos length = shortest_nap;; length = std::min(length * 2, longest_nap)) {
    outcome o = in_section([&] { return connect_briefly(r); });
    if (o.is(EINPROGRESS) || o.is(EINTR)) {
      o = wait_until_ready(r.fd, POLLOUT, how, true);
      return o.value < 0 ? o : outcome{socket_error(r.fd)};
    }
    // A Unix socket whose listener is full: there is nothing to wait for.
    if (!o.is(EAGAIN)) return o;
    if (o = nap(length, how); o.value < 0) return o;
  }
}

outcome splice(request r) noexcept {
  r.operation_flags |= SPLICE_F_NONBLOCK;
  return block_in_section(r);
}

}  // namespace

outcome emulate(const request& r, int tried, const io::options& how) noexcept {
  switch (r.opcode) {
    case IORING_OP_READ:
    case IORING_OP_WRITE:
    case IORING_OP_READV:
    case IORING_OP_WRITEV:
      return transfer(r, tried, how);
    case IORING_OP_RECV:
    case IORING_OP_SEND:
    case IORING_OP_RECVMSG:
    case IORING_OP_SENDMSG:
      return message(r, tried, how);
    case IORING_OP_ACCEPT:
      return accept_in_turn(r, how);
    case IORING_OP_CONNECT:
      return connect(r, how);
    case IORING_OP_SPLICE:
      return splice(r);
    case IORING_OP_OPENAT:
      return open_with_limits(r, how);
    case IORING_OP_FSYNC:
      return block_in_section(r);
    default:
      return {-EOPNOTSUPP};
  }
}

}  // namespace conc::detail
