#include "io/cached_descriptors.h"

#include <fcntl.h>
#include <liburing.h>
#include <sys/uio.h>
#include <unistd.h>

namespace conc::detail {
namespace {

constexpr std::size_t sector = 512;  // the least that a disk counts in

bool begins_a_sector(const request& r) noexcept {
  return is_at_own_position(r) || r.offset % sector == 0;
}

}  // namespace

bool is_of_whole_sectors(const request& r) noexcept {
  std::size_t bytes = 0;
  switch (r.opcode) {
    case IORING_OP_READ:
    case IORING_OP_WRITE:
      bytes = r.length;
      break;
    case IORING_OP_READV:
    case IORING_OP_WRITEV: {
      // Counted by the kernel, too, which refuses more than so many.
      constexpr std::uint32_t most_buffers = 1024;
      if (r.length > most_buffers) return false;
      const auto* const all = static_cast<const iovec*>(r.address);
      for (std::uint32_t i = 0; i < r.length; ++i) bytes += all[i].iov_len;
      break;
    }
    default:
      return false;
  }
  return bytes != 0 && bytes % sector == 0 && begins_a_sector(r);
}

bool moves_the_position(const request& r) noexcept {
  switch (r.opcode) {
    case IORING_OP_READ:
    case IORING_OP_WRITE:
    case IORING_OP_READV:
    case IORING_OP_WRITEV:
      return is_at_own_position(r);
    default:
      return false;
  }
}

bool has_o_direct(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_DIRECT) != 0 && ::lseek(fd, 0, SEEK_CUR) >= 0;
}

}  // namespace conc::detail
