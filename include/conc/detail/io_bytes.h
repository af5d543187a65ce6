// The calls that move bytes through any descriptor, or wait until that is possible.
// What they have in common: conc/io.h.
#ifndef CONC_DETAIL_IO_BYTES_H
#define CONC_DETAIL_IO_BYTES_H

#include <poll.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <system_error>

#include "conc/config.h"
#include "conc/detail/io_error.h"
#include "conc/detail/io_options.h"

namespace conc::io {

CONC_API std::size_t read(int fd, std::span<std::byte> buffer, std::error_code& error,
                          const options& how = {}) noexcept;
inline std::size_t read(int fd, std::span<std::byte> buffer, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(read(fd, buffer, error, how), error, "conc::io::read");
}

CONC_API std::size_t write(int fd, std::span<const std::byte> buffer, std::error_code& error,
                           const options& how = {}) noexcept;
inline std::size_t write(int fd, std::span<const std::byte> buffer, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(write(fd, buffer, error, how), error, "conc::io::write");
}

// Fills the buffers one after the other. At most IOV_MAX of them.
CONC_API std::size_t readv(int fd, std::span<const iovec> buffers, std::error_code& error,
                           const options& how = {}) noexcept;
inline std::size_t readv(int fd, std::span<const iovec> buffers, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(readv(fd, buffers, error, how), error, "conc::io::readv");
}

CONC_API std::size_t writev(int fd, std::span<const iovec> buffers, std::error_code& error,
                            const options& how = {}) noexcept;
inline std::size_t writev(int fd, std::span<const iovec> buffers, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(writev(fd, buffers, error, how), error, "conc::io::writev");
}

CONC_API std::size_t pread(int fd, std::span<std::byte> buffer, off_t offset,
                           std::error_code& error, const options& how = {}) noexcept;
inline std::size_t pread(int fd, std::span<std::byte> buffer, off_t offset,
                         const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(pread(fd, buffer, offset, error, how), error, "conc::io::pread");
}

CONC_API std::size_t pwrite(int fd, std::span<const std::byte> buffer, off_t offset,
                            std::error_code& error, const options& how = {}) noexcept;
inline std::size_t pwrite(int fd, std::span<const std::byte> buffer, off_t offset,
                          const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(pwrite(fd, buffer, offset, error, how), error,
                                  "conc::io::pwrite");
}

// Moves bytes from one descriptor to another inside the kernel; one of the two is a pipe. An offset
// may be null, and must be for a pipe: the descriptor's own position counts then. Waits for the
// reading side first, then for room on the writing side; with SPLICE_F_NONBLOCK for neither.
CONC_API std::size_t splice(int in, off_t* in_offset, int out, off_t* out_offset,
                            std::size_t length, unsigned flags, std::error_code& error,
                            const options& how = {}) noexcept;
inline std::size_t splice(int in, off_t* in_offset, int out, off_t* out_offset, std::size_t length,
                          unsigned flags, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(splice(in, in_offset, out, out_offset, length, flags, error, how),
                                  error, "conc::io::splice");
}

// Waits until one of the events that `descriptors` ask for has come, and returns how many of them
// report something in `revents`, as poll(2) does. Negative descriptors are passed over; with
// nothing else there the call waits for its deadline. A deadline that passes is an error here, as
// everywhere. More than one that is not ready costs a few system calls and a descriptor while it
// waits.
CONC_API int poll(std::span<pollfd> descriptors, std::error_code& error,
                  const options& how = {}) noexcept;
inline int poll(std::span<pollfd> descriptors, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(poll(descriptors, error, how), error, "conc::io::poll");
}

}  // namespace conc::io

#endif  // CONC_DETAIL_IO_BYTES_H
