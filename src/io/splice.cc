// Moving bytes inside the kernel.
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>

#include <cerrno>

#include "conc/io.h"
#include "io/perform.h"

namespace conc::io {

using namespace conc::detail;

namespace {

// A splice is always carried out by a kernel thread of its own, which must not be kept waiting for
// long. So both sides are waited for first.
outcome when_both_are_ready(const request& r, const options& how) noexcept {
  for (;;) {
    outcome o = wait_until_ready(r.second_fd, POLLIN, how, false);
    if (o.value >= 0) o = wait_until_ready(r.fd, POLLOUT, how, false);
    if (o.value < 0) return o;
    o = perform(r, {}, how);
    // One of them has O_NONBLOCK, and somebody was faster.
    if (!o.is(EAGAIN)) return o;
  }
}

constexpr std::uint64_t own_position = ~std::uint64_t{0};

std::uint64_t value_of(const off_t* offset) noexcept {
  return offset == nullptr ? own_position : static_cast<std::uint64_t>(*offset);
}

bool is_bad(const off_t* offset) noexcept { return offset != nullptr && *offset < 0; }

}  // namespace

std::size_t splice(int in, off_t* in_offset, int out, off_t* out_offset, std::size_t length,
                   unsigned flags, std::error_code& error, const options& how) noexcept {
  if (is_bad(in_offset) || is_bad(out_offset)) return size_or_error({-EINVAL}, error);
  request r;
  r.opcode = IORING_OP_SPLICE;
  r.fd = out;
  r.second_fd = in;
  r.address = reinterpret_cast<const void*>(static_cast<std::uintptr_t>(value_of(in_offset)));
  r.offset = value_of(out_offset);
  r.length = clamp_length(length);
  r.operation_flags = flags;
  const outcome o = flags & SPLICE_F_NONBLOCK ? perform(r, {}, how) : when_both_are_ready(r, how);
  if (o.value > 0) {
    if (in_offset != nullptr) *in_offset += o.value;
    if (out_offset != nullptr) *out_offset += o.value;
  }
  return size_or_error(o, error);
}

}  // namespace conc::io
