// conc::io::listener: the owner of a socket to which others connect.
#ifndef CONC_IO_LISTENER_H
#define CONC_IO_LISTENER_H

#include <sys/socket.h>

#include <cstdint>
#include <system_error>
#include <utility>

#include "conc/config.h"
#include "conc/detail/io_options.h"
#include "conc/io/socket_address.h"
#include "conc/io/stream_socket.h"
#include "conc/io/unique_fd.h"

namespace conc::io {

// TCP over IPv4 and IPv6, and Unix stream sockets.
//
// A Unix socket's file outlives the listener, and one that exists makes listen() fail with
// address_in_use: removing it is the user's.
// Thread-safety: any number of threads may accept; nobody may be inside a call when the object is
// moved, assigned, closed or dies: end their waits first, with shutdown() or a stop token.
class listener {
 public:
  listener() noexcept = default;
  // Takes a listening socket over.
  explicit listener(unique_fd fd) noexcept : fd_(std::move(fd)) {}

  // Binds to `at` and listens; close-on-exec. The address of a server that has just ended can be
  // bound to again (SO_REUSEADDR). `backlog`: how many connections may wait for accept(); the
  // kernel has a limit of its own. The form with an error code returns an owner of nothing then.
  CONC_API static listener listen(const socket_address& at, int backlog = SOMAXCONN);
  CONC_API static listener listen(const socket_address& at, int backlog,
                                  std::error_code& error) noexcept;

  int fd() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  // Gives the descriptor away.
  unique_fd release() noexcept { return std::move(fd_); }

  // Waits for a connection, whose descriptor is close-on-exec. After shutdown() the error is
  // invalid_argument. Running out of descriptors (too_many_files_open) leaves the connection
  // queued.
  CONC_API stream_socket accept(const options& how = {});
  CONC_API stream_socket accept(std::error_code& error, const options& how = {}) noexcept;

  // Nobody is let in any more, and those who wait in accept() return. Does not block.
  CONC_API void shutdown();
  CONC_API void shutdown(std::error_code& error) noexcept;
  // Closes now rather than at the end, and tells of an error. Owns nothing afterwards, in any case.
  CONC_API void close();
  CONC_API void close(std::error_code& error) noexcept;

  // Where it listens, with the port that the kernel chose. Do not block; throw what getsockname()
  // reports.
  CONC_API socket_address local_address() const;
  std::uint16_t local_port() const { return local_address().port(); }

 private:
  unique_fd fd_;
};

}  // namespace conc::io

#endif  // CONC_IO_LISTENER_H
