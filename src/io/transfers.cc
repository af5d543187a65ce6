// The calls that move bytes through any descriptor.
#include <liburing.h>
#include <poll.h>

#include <cerrno>

#include "conc/io.h"
#include "io/perform.h"

namespace conc::io {

using namespace conc::detail;

namespace {

constexpr std::uint64_t own_position = ~std::uint64_t{0};

// `what` is a buffer of `length` bytes or, for READV and WRITEV, so many iovecs.
outcome transfer(std::uint8_t opcode, int fd, const void* what, std::uint32_t length,
                 std::uint64_t offset, const options& how) noexcept {
  request r;
  r.opcode = opcode;
  r.fd = fd;
  r.address = what;
  r.length = length;
  r.offset = offset;
  const bool reads = opcode == IORING_OP_READ || opcode == IORING_OP_READV;
  return perform(
      r, {.try_first = true, .retry_after = static_cast<std::uint32_t>(reads ? POLLIN : POLLOUT)},
      how);
}

}  // namespace

std::size_t read(int fd, std::span<std::byte> buffer, std::error_code& error,
                 const options& how) noexcept {
  return size_or_error(
      transfer(IORING_OP_READ, fd, buffer.data(), clamp_length(buffer.size()), own_position, how),
      error);
}

std::size_t write(int fd, std::span<const std::byte> buffer, std::error_code& error,
                  const options& how) noexcept {
  return size_or_error(
      transfer(IORING_OP_WRITE, fd, buffer.data(), clamp_length(buffer.size()), own_position, how),
      error);
}

std::size_t pread(int fd, std::span<std::byte> buffer, off_t offset, std::error_code& error,
                  const options& how) noexcept {
  // It would be taken for "the file's own position".
  if (offset < 0) return size_or_error({-EINVAL}, error);
  return size_or_error(transfer(IORING_OP_READ, fd, buffer.data(), clamp_length(buffer.size()),
                                static_cast<std::uint64_t>(offset), how),
                       error);
}

std::size_t pwrite(int fd, std::span<const std::byte> buffer, off_t offset, std::error_code& error,
                   const options& how) noexcept {
  if (offset < 0) return size_or_error({-EINVAL}, error);
  return size_or_error(transfer(IORING_OP_WRITE, fd, buffer.data(), clamp_length(buffer.size()),
                                static_cast<std::uint64_t>(offset), how),
                       error);
}

// More than IOV_MAX is the kernel's to refuse.
std::size_t readv(int fd, std::span<const iovec> buffers, std::error_code& error,
                  const options& how) noexcept {
  return size_or_error(transfer(IORING_OP_READV, fd, buffers.data(), clamp_length(buffers.size()),
                                own_position, how),
                       error);
}

std::size_t writev(int fd, std::span<const iovec> buffers, std::error_code& error,
                   const options& how) noexcept {
  return size_or_error(transfer(IORING_OP_WRITEV, fd, buffers.data(), clamp_length(buffers.size()),
                                own_position, how),
                       error);
}

}  // namespace conc::io
