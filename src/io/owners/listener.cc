#include "conc/io/listener.h"

#include "conc/io.h"
#include "io/accept.h"
#include "io/owners/plumbing.h"
#include "io/perform.h"

namespace conc::io {

using namespace conc::detail;

listener listener::listen(const socket_address& at, int backlog) {
  std::error_code error;
  listener l = listen(at, backlog, error);
  io_check(error, "conc::io::listener::listen");
  return l;
}
listener listener::listen(const socket_address& at, int backlog, std::error_code& error) noexcept {
  unique_fd fd = make_socket(at, SOCK_STREAM, error);
  const int on = 1;
  if (!error && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) {
    error = last_error();
  }
  if (!error) io::bind(fd.get(), at.data(), at.size(), error);
  if (!error) io::listen(fd.get(), backlog, error);
  if (error) return {};
  return listener(std::move(fd));
}

stream_socket listener::accept(const options& how) {
  std::error_code error;
  stream_socket s = accept(error, how);
  io_check(error, "conc::io::listener::accept");
  return s;
}
stream_socket listener::accept(std::error_code& error, const options& how) noexcept {
  return stream_socket(
      unique_fd(int_or_error(accept_with(fd(), nullptr, nullptr, SOCK_CLOEXEC, how), error)));
}

void listener::shutdown() { io::shutdown(fd(), SHUT_RD); }
void listener::shutdown(std::error_code& error) noexcept { io::shutdown(fd(), SHUT_RD, error); }

void listener::close() { io::close(fd_.release()); }
void listener::close(std::error_code& error) noexcept { close_owned(fd_, error); }

socket_address listener::local_address() const {
  return address_by(&::getsockname, fd(), "conc::io::listener::local_address");
}

}  // namespace conc::io
