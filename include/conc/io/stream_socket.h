// conc::io::stream_socket: the owner of a connection, and the calls on it.
#ifndef CONC_IO_STREAM_SOCKET_H
#define CONC_IO_STREAM_SOCKET_H

#include <cstddef>
#include <span>
#include <system_error>
#include <utility>

#include "conc/config.h"
#include "conc/detail/io_options.h"
#include "conc/io/socket_address.h"
#include "conc/io/unique_fd.h"

namespace conc::io {

// A connected TCP or Unix stream socket. The members are the functions of the same names in
// conc/io.h, which says what blocks and what can go wrong; on an owner of nothing they fail with
// bad_file_descriptor. Sending to a peer that has gone is the error broken_pipe or
// connection_reset, never a SIGPIPE.
//
// Thread-safety: one thread may send while another receives, and any may shut down, which ends the
// others' waits. Nobody may be inside a call when the object is moved, assigned, closed or dies.
class stream_socket {
 public:
  stream_socket() noexcept = default;
  // Takes a connected socket over.
  explicit stream_socket(unique_fd fd) noexcept : fd_(std::move(fd)) {}

  // Connects; the descriptor is close-on-exec. The form with an error code returns an owner of
  // nothing then.
  CONC_API static stream_socket connect(const socket_address& to, const options& how = {});
  CONC_API static stream_socket connect(const socket_address& to, std::error_code& error,
                                        const options& how = {}) noexcept;

  int fd() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  // Gives the descriptor away.
  unique_fd release() noexcept { return std::move(fd_); }

  // What is there, as soon as something is; 0 when the peer has ended its side.
  CONC_API std::size_t recv(std::span<std::byte> buffer, const options& how = {});
  CONC_API std::size_t recv(std::span<std::byte> buffer, std::error_code& error,
                            const options& how = {}) noexcept;
  // As much as there is room for, as soon as there is any.
  CONC_API std::size_t send(std::span<const std::byte> buffer, const options& how = {});
  CONC_API std::size_t send(std::span<const std::byte> buffer, std::error_code& error,
                            const options& how = {}) noexcept;
  // The whole buffer, by rules of conc/io/whole.h: one deadline, 0 at an end before the first byte,
  // no_message_available at a later one.
  CONC_API std::size_t recv_exactly(std::span<std::byte> buffer, const options& how = {});
  CONC_API std::size_t recv_exactly(std::span<std::byte> buffer, std::error_code& error,
                                    const options& how = {}) noexcept;
  CONC_API std::size_t send_all(std::span<const std::byte> buffer, const options& how = {});
  CONC_API std::size_t send_all(std::span<const std::byte> buffer, std::error_code& error,
                                const options& how = {}) noexcept;

  // `direction`: SHUT_RD, SHUT_WR (the peer reads an end) or SHUT_RDWR. Does not block.
  CONC_API void shutdown(int direction);
  CONC_API void shutdown(int direction, std::error_code& error) noexcept;
  // Closes now rather than at the end, and tells of an error. Owns nothing afterwards, in any case.
  CONC_API void close();
  CONC_API void close(std::error_code& error) noexcept;

  // TCP only: with no_delay a small message leaves at once, instead of waiting for the answer to
  // the one before it (Nagle's algorithm). The error of a socket of another kind is not_supported.
  CONC_API void set_no_delay(bool on = true);
  CONC_API void set_no_delay(bool on, std::error_code& error) noexcept;
  // Our end and the peer's. Do not block; throw what getsockname() and getpeername() report.
  CONC_API socket_address local_address() const;
  CONC_API socket_address remote_address() const;

 private:
  unique_fd fd_;
};

}  // namespace conc::io

#endif  // CONC_IO_STREAM_SOCKET_H
