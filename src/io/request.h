// One input or output operation, as the caller described it, and how it came out.
//
// A request has the fields of a submission queue entry, because that is the most general form; the
// other ways to carry it out (blocking.cc) translate it.
#ifndef CONC_IO_REQUEST_H
#define CONC_IO_REQUEST_H

#include <cstddef>
#include <cstdint>

namespace conc::detail {

// Younger than the headers that we build with: Linux 6.7.
inline constexpr std::uint8_t waitid_opcode = 50;

struct request {
  std::uint8_t opcode = 0;  // IORING_OP_…
  std::uint8_t flags = 0;   // IOSQE_…
  int fd = -1;
  const void* address = nullptr;
  std::uint32_t length = 0;
  std::uint64_t offset = 0;           // or what the opcode puts in its place
  std::uint32_t operation_flags = 0;  // of recv, send, open; the events of a poll
  std::int32_t second_fd = 0;         // of splice; or what the opcode puts in its place
};

// What a system call came to: a result, or the negative of an errno value. `refused` says that it
// is no answer to the request: the kernel would not give us a ring.
struct outcome {
  int value = 0;
  bool refused = false;

  bool is(int error) const noexcept { return value == -error && !refused; }
};

// At most so many bytes move in one call; the kernel's own limit, and more would not fit an int.
inline constexpr std::size_t most_bytes = 0x7ffff000;

inline std::uint32_t clamp_length(std::size_t n) noexcept {
  return static_cast<std::uint32_t>(n < most_bytes ? n : most_bytes);
}

}  // namespace conc::detail

#endif  // CONC_IO_REQUEST_H
