#include "conc/io/datagram_socket.h"

#include "conc/io.h"
#include "io/owners/plumbing.h"

namespace conc::io {

using namespace conc::detail;

datagram_socket datagram_socket::bind(const socket_address& at) {
  std::error_code error;
  datagram_socket s = bind(at, error);
  io_check(error, "conc::io::datagram_socket::bind");
  return s;
}
datagram_socket datagram_socket::bind(const socket_address& at, std::error_code& error) noexcept {
  unique_fd fd = make_socket(at, SOCK_DGRAM, error);
  if (!error) io::bind(fd.get(), at.data(), at.size(), error);
  if (error) return {};
  return datagram_socket(std::move(fd));
}

void datagram_socket::connect(const socket_address& to, const options& how) {
  io::connect(fd(), to.data(), to.size(), how);
}
void datagram_socket::connect(const socket_address& to, std::error_code& error,
                              const options& how) noexcept {
  io::connect(fd(), to.data(), to.size(), error, how);
}

std::size_t datagram_socket::recv(std::span<std::byte> buffer, const options& how) {
  return io::recv(fd(), buffer, 0, how);
}
std::size_t datagram_socket::recv(std::span<std::byte> buffer, std::error_code& error,
                                  const options& how) noexcept {
  return io::recv(fd(), buffer, 0, error, how);
}

std::size_t datagram_socket::send(std::span<const std::byte> message, const options& how) {
  return io::send(fd(), message, MSG_NOSIGNAL, how);
}
std::size_t datagram_socket::send(std::span<const std::byte> message, std::error_code& error,
                                  const options& how) noexcept {
  return io::send(fd(), message, MSG_NOSIGNAL, error, how);
}

void datagram_socket::close() { io::close(fd_.release()); }
void datagram_socket::close(std::error_code& error) noexcept { close_owned(fd_, error); }

socket_address datagram_socket::local_address() const {
  return address_by(&::getsockname, fd(), "conc::io::datagram_socket::local_address");
}

}  // namespace conc::io
