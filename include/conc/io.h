// conc::io: the POSIX calls, blocking the calling thread and nobody else.
#ifndef CONC_IO_H
#define CONC_IO_H

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <span>
#include <system_error>

#include "conc/config.h"
#include "conc/detail/io_fd.h"
#include "conc/detail/io_options.h"

namespace conc::detail {

[[noreturn]] CONC_API void throw_io_error(std::error_code error, const char* call);

template <class Result>
Result io_checked(Result result, const std::error_code& error, const char* call) {
  if (error) [[unlikely]]
    throw_io_error(error, call);
  return result;
}

}  // namespace conc::detail

// Every call exists twice: one form reports errors through a std::error_code, which it clears on
// success; the other throws std::system_error. On an error an int result is -1, a size is 0.
//
// Blocking: a user-level thread that has to wait is suspended, and its processor runs others; the
//   operation goes to the io_uring of the carrier that it ran on. Kernel threads may call all of
//   this, too: they block in the plain system call, and with a deadline or a stop token let a
//   thread of the default runtime do the waiting. A signal does not end a call: there is no EINTR.
// Descriptors: plain ones. They need not be non-blocking, and the library never makes them so; a
//   call waits even if the descriptor has O_NONBLOCK set (save that connect() on a Unix socket
//   whose listener is full then fails with EAGAIN). MSG_DONTWAIT asks for a single attempt.
// Options: a deadline that passes gives std::errc::timed_out, a stop request
//   std::errc::operation_canceled. Neither comes early, and nothing is lost: what arrived before
//   the operation could be called off is delivered, even if that is a moment late. A request to
//   stop that stood before the call ends it at once. What never waits (socket, bind, listen,
//   shutdown, close) looks at neither. Once a disk is at work the kernel may finish the operation
//   first.
// Buffers: once a call has returned the kernel does not touch its buffers any more, always.
// Amounts: like the system calls these move what they can, at most 2 GiB - 4 KiB; fewer bytes than
//   asked for is no error. 0 bytes read is the end of the file or stream.
// Errors: what the system call reports. If the kernel refuses io_uring, the first call that would
//   have to wait fails with the kernel's reason, and a message that says so. Writing to a pipe or
//   socket that nobody reads raises SIGPIPE as ever: send() with MSG_NOSIGNAL does not.
// Thread-safety: as the system calls. A descriptor must not be closed while another thread waits on
//   it: end the wait first, with shutdown() or a stop token.
namespace conc::io {

using conc::detail::io_checked;

// --- bytes --------------------------------------------------------------------------------------

CONC_API std::size_t read(int fd, std::span<std::byte> buffer, std::error_code& error,
                          const options& how = {}) noexcept;
inline std::size_t read(int fd, std::span<std::byte> buffer, const options& how = {}) {
  std::error_code error;
  return io_checked(read(fd, buffer, error, how), error, "conc::io::read");
}

CONC_API std::size_t write(int fd, std::span<const std::byte> buffer, std::error_code& error,
                           const options& how = {}) noexcept;
inline std::size_t write(int fd, std::span<const std::byte> buffer, const options& how = {}) {
  std::error_code error;
  return io_checked(write(fd, buffer, error, how), error, "conc::io::write");
}

CONC_API std::size_t pread(int fd, std::span<std::byte> buffer, off_t offset,
                           std::error_code& error, const options& how = {}) noexcept;
inline std::size_t pread(int fd, std::span<std::byte> buffer, off_t offset,
                         const options& how = {}) {
  std::error_code error;
  return io_checked(pread(fd, buffer, offset, error, how), error, "conc::io::pread");
}

CONC_API std::size_t pwrite(int fd, std::span<const std::byte> buffer, off_t offset,
                            std::error_code& error, const options& how = {}) noexcept;
inline std::size_t pwrite(int fd, std::span<const std::byte> buffer, off_t offset,
                          const options& how = {}) {
  std::error_code error;
  return io_checked(pwrite(fd, buffer, offset, error, how), error, "conc::io::pwrite");
}

CONC_API std::size_t recv(int fd, std::span<std::byte> buffer, int flags, std::error_code& error,
                          const options& how = {}) noexcept;
inline std::size_t recv(int fd, std::span<std::byte> buffer, int flags, const options& how = {}) {
  std::error_code error;
  return io_checked(recv(fd, buffer, flags, error, how), error, "conc::io::recv");
}

CONC_API std::size_t send(int fd, std::span<const std::byte> buffer, int flags,
                          std::error_code& error, const options& how = {}) noexcept;
inline std::size_t send(int fd, std::span<const std::byte> buffer, int flags,
                        const options& how = {}) {
  std::error_code error;
  return io_checked(send(fd, buffer, flags, error, how), error, "conc::io::send");
}

// --- files --------------------------------------------------------------------------------------

// `mode` counts only where `flags` has O_CREAT or O_TMPFILE.
CONC_API int open(const char* path, int flags, mode_t mode, std::error_code& error,
                  const options& how = {}) noexcept;
inline int open(const char* path, int flags, mode_t mode, const options& how = {}) {
  std::error_code error;
  return io_checked(open(path, flags, mode, error, how), error, "conc::io::open");
}

CONC_API int fsync(int fd, std::error_code& error, const options& how = {}) noexcept;
inline int fsync(int fd, const options& how = {}) {
  std::error_code error;
  return io_checked(fsync(fd, error, how), error, "conc::io::fsync");
}

// The descriptor is gone afterwards, whatever the error.
CONC_API int close(int fd, std::error_code& error, const options& how = {}) noexcept;
inline int close(int fd, const options& how = {}) {
  std::error_code error;
  return io_checked(close(fd, error, how), error, "conc::io::close");
}

// --- sockets ------------------------------------------------------------------------------------

CONC_API int socket(int domain, int type, int protocol, std::error_code& error,
                    const options& how = {}) noexcept;
inline int socket(int domain, int type, int protocol, const options& how = {}) {
  std::error_code error;
  return io_checked(socket(domain, type, protocol, error, how), error, "conc::io::socket");
}

CONC_API int bind(int fd, const sockaddr* address, socklen_t length, std::error_code& error,
                  const options& how = {}) noexcept;
inline int bind(int fd, const sockaddr* address, socklen_t length, const options& how = {}) {
  std::error_code error;
  return io_checked(bind(fd, address, length, error, how), error, "conc::io::bind");
}

CONC_API int listen(int fd, int backlog, std::error_code& error, const options& how = {}) noexcept;
inline int listen(int fd, int backlog, const options& how = {}) {
  std::error_code error;
  return io_checked(listen(fd, backlog, error, how), error, "conc::io::listen");
}

// `address` and `length` may both be null. The new descriptor is the caller's to close.
CONC_API int accept(int fd, sockaddr* address, socklen_t* length, std::error_code& error,
                    const options& how = {}) noexcept;
inline int accept(int fd, sockaddr* address, socklen_t* length, const options& how = {}) {
  std::error_code error;
  return io_checked(accept(fd, address, length, error, how), error, "conc::io::accept");
}

// After an error the socket's state is unspecified, as POSIX has it: close it.
CONC_API int connect(int fd, const sockaddr* address, socklen_t length, std::error_code& error,
                     const options& how = {}) noexcept;
inline int connect(int fd, const sockaddr* address, socklen_t length, const options& how = {}) {
  std::error_code error;
  return io_checked(connect(fd, address, length, error, how), error, "conc::io::connect");
}

// Ends the waits of other threads on this socket, too.
CONC_API int shutdown(int fd, int direction, std::error_code& error,
                      const options& how = {}) noexcept;
inline int shutdown(int fd, int direction, const options& how = {}) {
  std::error_code error;
  return io_checked(shutdown(fd, direction, error, how), error, "conc::io::shutdown");
}

}  // namespace conc::io

#endif  // CONC_IO_H
