// The calls on files, and those that files, pipes and sockets share.
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "conc/io.h"
#include "io/perform.h"
#include "locks/mutants.h"

namespace conc::io {

using namespace conc::detail;

namespace {

constexpr std::uint64_t own_position = ~std::uint64_t{0};

// A negative offset would be taken for "the file's own position".
outcome transfer(std::uint8_t opcode, int fd, const void* buffer, std::size_t size,
                 std::uint64_t offset, const options& how) noexcept {
  request r;
  r.opcode = opcode;
  r.fd = fd;
  r.address = buffer;
  r.length = clamp_length(size);
  r.offset = offset;
  const std::uint32_t direction = opcode == IORING_OP_READ ? POLLIN : POLLOUT;
  return perform(r, {.try_first = true, .retry_after = direction}, how);
}

}  // namespace

std::size_t read(int fd, std::span<std::byte> buffer, std::error_code& error,
                 const options& how) noexcept {
  return size_or_error(
      transfer(IORING_OP_READ, fd, buffer.data(), buffer.size(), own_position, how), error);
}

std::size_t write(int fd, std::span<const std::byte> buffer, std::error_code& error,
                  const options& how) noexcept {
  return size_or_error(
      transfer(IORING_OP_WRITE, fd, buffer.data(), buffer.size(), own_position, how), error);
}

std::size_t pread(int fd, std::span<std::byte> buffer, off_t offset, std::error_code& error,
                  const options& how) noexcept {
  if (offset < 0) return size_or_error({-EINVAL}, error);
  return size_or_error(transfer(IORING_OP_READ, fd, buffer.data(), buffer.size(),
                                static_cast<std::uint64_t>(offset), how),
                       error);
}

std::size_t pwrite(int fd, std::span<const std::byte> buffer, off_t offset, std::error_code& error,
                   const options& how) noexcept {
  if (offset < 0) return size_or_error({-EINVAL}, error);
  return size_or_error(transfer(IORING_OP_WRITE, fd, buffer.data(), buffer.size(),
                                static_cast<std::uint64_t>(offset), how),
                       error);
}

// By one of the kernel's workers, although the ring could open what is cached at once: it would do
// so with O_NONBLOCK, and a FIFO would not wait for its other end.
int open(const char* path, int flags, mode_t mode, std::error_code& error,
         const options& how) noexcept {
  const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const bool never_waits = (flags & (O_NONBLOCK | O_PATH | O_DIRECTORY)) != 0;
  request r;
  r.opcode = IORING_OP_OPENAT;
  r.flags = never_waits ? 0 : IOSQE_ASYNC;
  r.fd = AT_FDCWD;
  r.address = path;
  r.length = creates ? mode : 0;
  r.operation_flags = static_cast<std::uint32_t>(flags);
  return int_or_error(perform(r, {}, how), error);
}

int fsync(int fd, std::error_code& error, const options& how) noexcept {
  request r;
  r.opcode = IORING_OP_FSYNC;
  r.fd = fd;
  return int_or_error(perform(r, {}, how), error);
}

// An entry that still lies in the queue names the descriptor by its number, which may soon be
// another file's.
int close(int fd, std::error_code& error, const options&) noexcept {
  if (CONC_STEP(io_flush_before_close)) flush_queued();
  const int done = ::close(fd);
  // Linux has freed the number even if a signal cut the rest short.
  return int_or_error({done < 0 && errno != EINTR ? -errno : 0}, error);
}

void unique_fd::close_quietly(int fd) noexcept {
  std::error_code ignored;
  close(fd, ignored);
}

}  // namespace conc::io
