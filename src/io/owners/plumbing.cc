#include "io/owners/plumbing.h"

#include <cerrno>

#include "conc/io.h"

namespace conc::detail {

void io_check(const std::error_code& error, const char* call) {
  if (error) throw_io_error(error, call);
}

std::error_code last_error() noexcept { return {errno, std::system_category()}; }

io::unique_fd make_socket(const io::socket_address& like, int type,
                          std::error_code& error) noexcept {
  return io::unique_fd(io::socket(like.family(), type | SOCK_CLOEXEC, 0, error));
}

void close_owned(io::unique_fd& fd, std::error_code& error) noexcept {
  io::close(fd.release(), error);
}

io::socket_address address_by(int (*ask)(int, sockaddr*, socklen_t*), int fd, const char* call) {
  io::socket_address a;
  socklen_t size = io::socket_address::room_size();
  if (ask(fd, a.room(), &size) < 0) throw_io_error(last_error(), call);
  a.resize(size);
  return a;
}

}  // namespace conc::detail
