// Requests by plain system calls, for kernel threads that set no limit to the wait.
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "io/attempt.h"

namespace conc::detail {
namespace {

// The ring's form: an offset of -1 is the descriptor's own position.
ssize_t splice_as_asked(const request& r) noexcept {
  auto from = static_cast<off_t>(reinterpret_cast<std::intptr_t>(r.address));
  auto to = static_cast<off_t>(r.offset);
  return ::splice(r.second_fd, from < 0 ? nullptr : &from, r.fd, to < 0 ? nullptr : &to, r.length,
                  r.operation_flags);
}

ssize_t call(const request& r) noexcept {
  void* const buffer = const_cast<void*>(r.address);
  const auto offset = static_cast<off_t>(r.offset);
  const int flags = static_cast<int>(r.operation_flags);
  switch (r.opcode) {
    case IORING_OP_READ:
      return offset < 0 ? ::read(r.fd, buffer, r.length) : ::pread(r.fd, buffer, r.length, offset);
    case IORING_OP_WRITE:
      return offset < 0 ? ::write(r.fd, buffer, r.length)
                        : ::pwrite(r.fd, buffer, r.length, offset);
    case IORING_OP_READV:
      return ::readv(r.fd, static_cast<const iovec*>(r.address), static_cast<int>(r.length));
    case IORING_OP_WRITEV:
      return ::writev(r.fd, static_cast<const iovec*>(r.address), static_cast<int>(r.length));
    case IORING_OP_RECV:
      return ::recv(r.fd, buffer, r.length, flags);
    case IORING_OP_SEND:
      return ::send(r.fd, buffer, r.length, flags);
    case IORING_OP_RECVMSG:
      return ::recvmsg(r.fd, static_cast<msghdr*>(buffer), flags);
    case IORING_OP_SENDMSG:
      return ::sendmsg(r.fd, static_cast<const msghdr*>(r.address), flags);
    case IORING_OP_OPENAT:
      return ::openat(r.fd, static_cast<const char*>(r.address), flags, r.length);
    case IORING_OP_FSYNC:
      return r.operation_flags & IORING_FSYNC_DATASYNC ? ::fdatasync(r.fd) : ::fsync(r.fd);
    case IORING_OP_SPLICE:
      return splice_as_asked(r);
    case IORING_OP_ACCEPT:
      return ::accept4(r.fd, static_cast<sockaddr*>(buffer),
                       reinterpret_cast<socklen_t*>(static_cast<std::uintptr_t>(r.offset)), flags);
    case IORING_OP_CONNECT:
      return ::connect(r.fd, static_cast<const sockaddr*>(r.address),
                       static_cast<socklen_t>(r.offset));
    case waitid_opcode:
      return ::waitid(static_cast<idtype_t>(r.length), static_cast<id_t>(r.fd),
                      reinterpret_cast<siginfo_t*>(static_cast<std::uintptr_t>(r.offset)),
                      r.second_fd);
    default:
      errno = ENOSYS;
      return -1;
  }
}

// A connect that was interrupted goes on without us, and a second one would be refused.
int finish_connect(int fd) noexcept {
  pollfd one{fd, POLLOUT, 0};
  while (::poll(&one, 1, -1) < 0) {
    if (errno != EINTR) return -errno;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
  return -error;
}

}  // namespace

int block_on(const request& r) noexcept {
  if (r.opcode == IORING_OP_POLL_ADD) {
    int events = poll_one(r, -1);
    while (events == -EINTR) events = poll_one(r, -1);
    return events;
  }
  for (;;) {
    const ssize_t done = call(r);
    if (done >= 0) return static_cast<int>(done);
    if (errno != EINTR) return -errno;
    if (r.opcode == IORING_OP_CONNECT) return finish_connect(r.fd);
  }
}

}  // namespace conc::detail
