// Opening, closing and synchronizing files.
#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

#include <cerrno>

#include "conc/io.h"
#include "io/perform.h"
#include "locks/mutants.h"

namespace conc::io {

using namespace conc::detail;

// By one of the kernel's workers, although the ring could open what is cached at once: it would do
// so with O_NONBLOCK, and a FIFO would not wait for its other end.
int openat(int directory, const char* path, int flags, mode_t mode, std::error_code& error,
           const options& how) noexcept {
  const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const bool never_waits = (flags & (O_NONBLOCK | O_PATH | O_DIRECTORY)) != 0;
  request r;
  r.opcode = IORING_OP_OPENAT;
  r.flags = never_waits ? 0 : IOSQE_ASYNC;
  r.fd = directory;
  r.address = path;
  r.length = creates ? mode : 0;
  r.operation_flags = static_cast<std::uint32_t>(flags);
  return int_or_error(perform(r, {}, how), error);
}

int open(const char* path, int flags, mode_t mode, std::error_code& error,
         const options& how) noexcept {
  return openat(AT_FDCWD, path, flags, mode, error, how);
}

namespace {

outcome synchronize(int fd, std::uint32_t flags, const options& how) noexcept {
  request r;
  r.opcode = IORING_OP_FSYNC;
  r.fd = fd;
  r.operation_flags = flags;
  return perform(r, {}, how);
}

}  // namespace

int fsync(int fd, std::error_code& error, const options& how) noexcept {
  return int_or_error(synchronize(fd, 0, how), error);
}

int fdatasync(int fd, std::error_code& error, const options& how) noexcept {
  return int_or_error(synchronize(fd, IORING_FSYNC_DATASYNC, how), error);
}

// An entry that still lies in the queue names the descriptor by its number, which may soon be
// another file's.
int close(int fd, std::error_code& error, const options&) noexcept {
  if (CONC_STEP(io_flush_before_close)) before_closing(fd);
  const int done = ::close(fd);
  // Linux has freed the number even if a signal cut the rest short.
  return int_or_error({done < 0 && errno != EINTR ? -errno : 0}, error);
}

void unique_fd::close_quietly(int fd) noexcept {
  std::error_code ignored;
  close(fd, ignored);
}

}  // namespace conc::io
