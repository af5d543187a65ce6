// conc::io::datagram_socket: the owner of a UDP or Unix datagram socket, and the calls on it.
#ifndef CONC_IO_DATAGRAM_SOCKET_H
#define CONC_IO_DATAGRAM_SOCKET_H

#include <cstddef>
#include <span>
#include <system_error>
#include <utility>

#include "conc/config.h"
#include "conc/detail/io_options.h"
#include "conc/io/socket_address.h"
#include "conc/io/unique_fd.h"

namespace conc::io {

// Messages, each of which arrives whole or not at all. The members are the functions of the same
// names in conc/io.h, which says what blocks and what can go wrong; on an owner of nothing they
// fail with bad_file_descriptor.
//
// Thread-safety: as the calls, while nobody moves, assigns or closes the object.
class datagram_socket {
 public:
  datagram_socket() noexcept = default;
  // Takes a socket over.
  explicit datagram_socket(unique_fd fd) noexcept : fd_(std::move(fd)) {}

  // A socket that receives what is sent to `at`; close-on-exec. The form with an error code returns
  // an owner of nothing then.
  CONC_API static datagram_socket bind(const socket_address& at);
  CONC_API static datagram_socket bind(const socket_address& at, std::error_code& error) noexcept;

  int fd() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  // Gives the descriptor away.
  unique_fd release() noexcept { return std::move(fd_); }

  // Names the peer: send() goes there, and recv() takes messages from nobody else. May be repeated.
  CONC_API void connect(const socket_address& to, const options& how = {});
  CONC_API void connect(const socket_address& to, std::error_code& error,
                        const options& how = {}) noexcept;
  // One message. Sending needs a peer; what does not fit into the buffer is lost.
  CONC_API std::size_t recv(std::span<std::byte> buffer, const options& how = {});
  CONC_API std::size_t recv(std::span<std::byte> buffer, std::error_code& error,
                            const options& how = {}) noexcept;
  CONC_API std::size_t send(std::span<const std::byte> message, const options& how = {});
  CONC_API std::size_t send(std::span<const std::byte> message, std::error_code& error,
                            const options& how = {}) noexcept;

  // Closes now rather than at the end, and tells of an error. Owns nothing afterwards, in any case.
  CONC_API void close();
  CONC_API void close(std::error_code& error) noexcept;
  // Where it is bound to, with the port that the kernel chose. Does not block; throws what
  // getsockname() reports.
  CONC_API socket_address local_address() const;

 private:
  unique_fd fd_;
};

}  // namespace conc::io

#endif  // CONC_IO_DATAGRAM_SOCKET_H
