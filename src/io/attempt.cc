#include "io/attempt.h"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace conc::detail {
namespace {

int result_of(ssize_t done) noexcept { return done < 0 ? -errno : static_cast<int>(done); }

}  // namespace

// Unlike poll() itself this takes a descriptor that does not exist for an error, as the ring does.
int poll_one(const request& r, int timeout) noexcept {
  pollfd one{r.fd, static_cast<short>(r.operation_flags), 0};
  if (r.fd < 0) return -EBADF;
  const int ready = ::poll(&one, 1, timeout);
  if (ready < 0) return -errno;
  if (one.revents & POLLNVAL) return -EBADF;
  return ready == 0 ? -EAGAIN : one.revents;
}

int attempt(const request& r) noexcept {
  void* const buffer = const_cast<void*>(r.address);
  const iovec all{buffer, r.length};
  // Offset -1, to preadv2 as to the ring, is the file's own position.
  const auto offset = static_cast<off_t>(r.offset);
  const int flags = static_cast<int>(r.operation_flags) | MSG_DONTWAIT;
  switch (r.opcode) {
    case IORING_OP_READ:
      return result_of(preadv2(r.fd, &all, 1, offset, RWF_NOWAIT));
    case IORING_OP_WRITE:
      return result_of(pwritev2(r.fd, &all, 1, offset, RWF_NOWAIT));
    case IORING_OP_READV:
      return result_of(preadv2(r.fd, static_cast<const iovec*>(r.address),
                               static_cast<int>(r.length), offset, RWF_NOWAIT));
    case IORING_OP_WRITEV:
      return result_of(pwritev2(r.fd, static_cast<const iovec*>(r.address),
                                static_cast<int>(r.length), offset, RWF_NOWAIT));
    case IORING_OP_RECV:
      return result_of(::recv(r.fd, buffer, r.length, flags));
    case IORING_OP_SEND:
      return result_of(::send(r.fd, buffer, r.length, flags));
    case IORING_OP_RECVMSG:
      return result_of(::recvmsg(r.fd, static_cast<msghdr*>(buffer), flags));
    case IORING_OP_SENDMSG:
      return result_of(::sendmsg(r.fd, static_cast<const msghdr*>(r.address), flags));
    case IORING_OP_POLL_ADD:
      return poll_one(r, 0);
    default:
      return -EOPNOTSUPP;
  }
}

}  // namespace conc::detail
