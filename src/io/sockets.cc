// The calls on sockets.
#include <liburing.h>
#include <poll.h>

#include "conc/io.h"
#include "io/accept.h"
#include "io/perform.h"
#include "io/section.h"

namespace conc::io {

using namespace conc::detail;

namespace {

// With MSG_WAITALL an attempt could return a part; only an operation knows how to go on.
outcome transfer(std::uint8_t opcode, int fd, const void* what, std::uint32_t length, int flags,
                 const options& how) noexcept {
  request r;
  r.opcode = opcode;
  r.fd = fd;
  r.address = what;
  r.length = length;
  r.operation_flags = static_cast<std::uint32_t>(flags);
  const bool receives = opcode == IORING_OP_RECV || opcode == IORING_OP_RECVMSG;
  const std::uint32_t direction = receives ? POLLIN : POLLOUT;
  return perform(r,
                 {.try_first = (flags & MSG_WAITALL) == 0,
                  .retry_after = (flags & MSG_DONTWAIT) ? 0 : direction},
                 how);
}

}  // namespace

std::size_t recv(int fd, std::span<std::byte> buffer, int flags, std::error_code& error,
                 const options& how) noexcept {
  return size_or_error(
      transfer(IORING_OP_RECV, fd, buffer.data(), clamp_length(buffer.size()), flags, how), error);
}

std::size_t send(int fd, std::span<const std::byte> buffer, int flags, std::error_code& error,
                 const options& how) noexcept {
  return size_or_error(
      transfer(IORING_OP_SEND, fd, buffer.data(), clamp_length(buffer.size()), flags, how), error);
}

std::size_t recvmsg(int fd, msghdr* message, int flags, std::error_code& error,
                    const options& how) noexcept {
  return size_or_error(transfer(IORING_OP_RECVMSG, fd, message, 1, flags, how), error);
}

std::size_t sendmsg(int fd, const msghdr* message, int flags, std::error_code& error,
                    const options& how) noexcept {
  return size_or_error(transfer(IORING_OP_SENDMSG, fd, message, 1, flags, how), error);
}

int accept(int fd, sockaddr* address, socklen_t* length, std::error_code& error,
           const options& how) noexcept {
  return int_or_error(accept_with(fd, address, length, 0, how), error);
}

int connect(int fd, const sockaddr* address, socklen_t length, std::error_code& error,
            const options& how) noexcept {
  request r;
  r.opcode = IORING_OP_CONNECT;
  r.fd = fd;
  r.address = address;
  r.offset = length;
  return int_or_error(perform(r, {}, how), error);
}

int socket(int domain, int type, int protocol, std::error_code& error,
           const options& how) noexcept {
  return int_or_error(directly(how, [=] { return ::socket(domain, type, protocol); }), error);
}

int bind(int fd, const sockaddr* address, socklen_t length, std::error_code& error,
         const options& how) noexcept {
  return int_or_error(directly(how, [=] { return ::bind(fd, address, length); }), error);
}

int listen(int fd, int backlog, std::error_code& error, const options& how) noexcept {
  return int_or_error(directly(how, [=] { return ::listen(fd, backlog); }), error);
}

int shutdown(int fd, int direction, std::error_code& error, const options& how) noexcept {
  return int_or_error(directly(how, [=] { return ::shutdown(fd, direction); }), error);
}

}  // namespace conc::io

namespace conc::detail {

// No attempt first: accept() has no flag for one, and between a poll() that says yes and an
// accept() another thread may take the connection. The ring accepts at once what is there.
outcome accept_with(int fd, sockaddr* address, socklen_t* length, int flags,
                    const io::options& how) noexcept {
  request r;
  r.opcode = IORING_OP_ACCEPT;
  r.fd = fd;
  r.address = address;
  r.offset = reinterpret_cast<std::uintptr_t>(length);
  r.operation_flags = static_cast<std::uint32_t>(flags);
  return perform(r, {.retry_after = POLLIN}, how);
}

}  // namespace conc::detail
