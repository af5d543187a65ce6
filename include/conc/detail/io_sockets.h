// The calls on sockets. What they have in common: conc/io.h.
#ifndef CONC_DETAIL_IO_SOCKETS_H
#define CONC_DETAIL_IO_SOCKETS_H

#include <sys/socket.h>

#include <cstddef>
#include <span>
#include <system_error>

#include "conc/config.h"
#include "conc/detail/io_error.h"
#include "conc/detail/io_options.h"

namespace conc::io {

CONC_API std::size_t recv(int fd, std::span<std::byte> buffer, int flags, std::error_code& error,
                          const options& how = {}) noexcept;
inline std::size_t recv(int fd, std::span<std::byte> buffer, int flags, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(recv(fd, buffer, flags, error, how), error, "conc::io::recv");
}

CONC_API std::size_t send(int fd, std::span<const std::byte> buffer, int flags,
                          std::error_code& error, const options& how = {}) noexcept;
inline std::size_t send(int fd, std::span<const std::byte> buffer, int flags,
                        const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(send(fd, buffer, flags, error, how), error, "conc::io::send");
}

// Descriptors that come along (SCM_RIGHTS) are the caller's to close.
CONC_API std::size_t recvmsg(int fd, msghdr* message, int flags, std::error_code& error,
                             const options& how = {}) noexcept;
inline std::size_t recvmsg(int fd, msghdr* message, int flags, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(recvmsg(fd, message, flags, error, how), error,
                                  "conc::io::recvmsg");
}

CONC_API std::size_t sendmsg(int fd, const msghdr* message, int flags, std::error_code& error,
                             const options& how = {}) noexcept;
inline std::size_t sendmsg(int fd, const msghdr* message, int flags, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(sendmsg(fd, message, flags, error, how), error,
                                  "conc::io::sendmsg");
}

CONC_API int socket(int domain, int type, int protocol, std::error_code& error,
                    const options& how = {}) noexcept;
inline int socket(int domain, int type, int protocol, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(socket(domain, type, protocol, error, how), error,
                                  "conc::io::socket");
}

CONC_API int bind(int fd, const sockaddr* address, socklen_t length, std::error_code& error,
                  const options& how = {}) noexcept;
inline int bind(int fd, const sockaddr* address, socklen_t length, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(bind(fd, address, length, error, how), error, "conc::io::bind");
}

CONC_API int listen(int fd, int backlog, std::error_code& error, const options& how = {}) noexcept;
inline int listen(int fd, int backlog, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(listen(fd, backlog, error, how), error, "conc::io::listen");
}

// `address` and `length` may both be null. The new descriptor is the caller's to close.
CONC_API int accept(int fd, sockaddr* address, socklen_t* length, std::error_code& error,
                    const options& how = {}) noexcept;
inline int accept(int fd, sockaddr* address, socklen_t* length, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(accept(fd, address, length, error, how), error,
                                  "conc::io::accept");
}

// After an error the socket's state is unspecified, as POSIX has it: close it.
CONC_API int connect(int fd, const sockaddr* address, socklen_t length, std::error_code& error,
                     const options& how = {}) noexcept;
inline int connect(int fd, const sockaddr* address, socklen_t length, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(connect(fd, address, length, error, how), error,
                                  "conc::io::connect");
}

// Ends the waits of other threads on this socket, too.
CONC_API int shutdown(int fd, int direction, std::error_code& error,
                      const options& how = {}) noexcept;
inline int shutdown(int fd, int direction, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(shutdown(fd, direction, error, how), error, "conc::io::shutdown");
}

}  // namespace conc::io

#endif  // CONC_DETAIL_IO_SOCKETS_H
