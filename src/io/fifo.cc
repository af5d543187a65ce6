// Opening files when a deadline or a stop request may end the wait.
//
// Only FIFOs keep an open() waiting without end, until their other end is open. A reader can open
// his end at once (O_NONBLOCK) and then look whether a writer has been there; a writer is refused
// until there is a reader. Neither can be waited for, so both look again and again.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "conc/io/unique_fd.h"
#include "io/attempt.h"
#include "io/emulation.h"
#include "io/perform.h"
#include "io/section.h"

namespace conc::detail {
namespace {

const char* path_of(const request& r) noexcept { return static_cast<const char*>(r.address); }
int flags_of(const request& r) noexcept { return static_cast<int>(r.operation_flags); }

bool waits_for_other_end(const request& r) noexcept {
  const int access = flags_of(r) & O_ACCMODE;
  if (flags_of(r) & (O_NONBLOCK | O_PATH | O_DIRECTORY) || access == O_RDWR) return false;
  struct ::stat s {};
  const outcome o =
      in_section([&] { return without_eintr([&] { return ::fstatat(r.fd, path_of(r), &s, 0); }); });
  return o.value == 0 && S_ISFIFO(s.st_mode);
}

int open_at_once(const request& r) noexcept {
  return without_eintr(
      [&] { return ::openat(r.fd, path_of(r), flags_of(r) | O_NONBLOCK, r.length); });
}

// To what the caller asked for: the descriptor is ours, and nobody has seen it yet.
int forget_nonblocking(int fd) noexcept {
  const int flags = without_eintr([=] { return ::fcntl(fd, F_GETFL); });
  return without_eintr([=] { return ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK); });
}

// A writer that has come and gone shows as a hang-up, one that has written as data; one that has
// merely opened only in what an attempt to copy nothing's first byte says.
bool has_had_writer(int reader) noexcept {
  request r;
  r.fd = reader;
  r.operation_flags = POLLIN;
  if (poll_one(r, 0) > 0) return true;
  int scratch[2];
  if (without_eintr([&] { return ::pipe2(scratch, O_CLOEXEC); }) < 0) return false;
  const io::unique_fd out(scratch[0]), in(scratch[1]);
  return without_eintr([&] { return ::tee(reader, in.get(), 1, SPLICE_F_NONBLOCK); }) == -EAGAIN;
}

outcome open_reader(const request& r, const io::options& how) noexcept {
  const int fd = open_at_once(r);
  if (fd < 0) return {fd};
  io::unique_fd owner(fd);
  for (nanos length = shortest_nap; !has_had_writer(fd);
       length = std::min(length * 2, longest_nap)) {
    if (const outcome o = nap(length, how); o.value < 0) return o;
  }
  forget_nonblocking(fd);
  return {owner.release()};
}

outcome open_writer(const request& r, const io::options& how) noexcept {
  for (nanos length = shortest_nap;; length = std::min(length * 2, longest_nap)) {
    const int fd = open_at_once(r);
    if (fd >= 0) forget_nonblocking(fd);
    if (fd != -ENXIO) return {fd};
    if (const outcome o = nap(length, how); o.value < 0) return o;
  }
}

}  // namespace

outcome open_with_limits(const request& r, const io::options& how) noexcept {
  const bool limited = how.deadline.nanos() != no_deadline || how.stop.stop_possible();
  if (!limited || !waits_for_other_end(r)) return in_section([&] { return block_on(r); });
  return (flags_of(r) & O_ACCMODE) == O_RDONLY ? open_reader(r, how) : open_writer(r, how);
}

}  // namespace conc::detail
