#include "io/direct_transfers.h"

#include <fcntl.h>
#include <liburing.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>

namespace conc::detail {
namespace {

constexpr std::size_t sector = 512;  // the least that a disk counts in

bool is_at_own_position(const request& r) noexcept { return r.offset == ~std::uint64_t{0}; }

bool has_one_buffer(const request& r) noexcept {
  return r.opcode == IORING_OP_READ || r.opcode == IORING_OP_WRITE;
}
bool has_several_buffers(const request& r) noexcept {
  return r.opcode == IORING_OP_READV || r.opcode == IORING_OP_WRITEV;
}

// 0 if that is to be left to the kernel, which refuses more than so many buffers.
std::size_t bytes_of(const request& r) noexcept {
  if (has_one_buffer(r)) return r.length;
  constexpr std::uint32_t most_buffers = 1024;
  std::size_t bytes = 0;
  if (!has_several_buffers(r) || r.length > most_buffers) return bytes;
  const auto* const all = static_cast<const iovec*>(r.address);
  for (std::uint32_t i = 0; i < r.length; ++i) bytes += all[i].iov_len;
  return bytes;
}

}  // namespace

bool is_of_whole_sectors(const request& r) noexcept {
  if (!is_at_own_position(r) && r.offset % sector != 0) return false;
  const std::size_t bytes = bytes_of(r);
  return bytes != 0 && bytes % sector == 0;
}

bool moves_the_position(const request& r) noexcept {
  return is_at_own_position(r) && (has_one_buffer(r) || has_several_buffers(r));
}

bool has_o_direct(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_DIRECT) != 0 && ::lseek(fd, 0, SEEK_CUR) >= 0;
}

}  // namespace conc::detail
