#include "io/attempt.h"

#include <liburing.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace conc::detail {
namespace {

int result_of(ssize_t done) noexcept { return done < 0 ? -errno : static_cast<int>(done); }

}  // namespace

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
    case IORING_OP_RECV:
      return result_of(::recv(r.fd, buffer, r.length, flags));
    case IORING_OP_SEND:
      return result_of(::send(r.fd, buffer, r.length, flags));
    default:
      return -EOPNOTSUPP;
  }
}

}  // namespace conc::detail
