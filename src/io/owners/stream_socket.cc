#include "conc/io/stream_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "conc/io.h"
#include "io/owners/plumbing.h"
#include "io/owners/until_done.h"

namespace conc::io {

using namespace conc::detail;

stream_socket stream_socket::connect(const socket_address& to, const options& how) {
  std::error_code error;
  stream_socket s = connect(to, error, how);
  io_check(error, "conc::io::stream_socket::connect");
  return s;
}
stream_socket stream_socket::connect(const socket_address& to, std::error_code& error,
                                     const options& how) noexcept {
  unique_fd fd = make_socket(to, SOCK_STREAM, error);
  if (!error) io::connect(fd.get(), to.data(), to.size(), error, how);
  if (error) return {};
  return stream_socket(std::move(fd));
}

std::size_t stream_socket::recv(std::span<std::byte> buffer, const options& how) {
  return io::recv(fd(), buffer, 0, how);
}
std::size_t stream_socket::recv(std::span<std::byte> buffer, std::error_code& error,
                                const options& how) noexcept {
  return io::recv(fd(), buffer, 0, error, how);
}

std::size_t stream_socket::send(std::span<const std::byte> buffer, const options& how) {
  return io::send(fd(), buffer, MSG_NOSIGNAL, how);
}
std::size_t stream_socket::send(std::span<const std::byte> buffer, std::error_code& error,
                                const options& how) noexcept {
  return io::send(fd(), buffer, MSG_NOSIGNAL, error, how);
}

std::size_t stream_socket::recv_exactly(std::span<std::byte> buffer, const options& how) {
  std::error_code error;
  return io_checked(recv_exactly(buffer, error, how), error,
                    "conc::io::stream_socket::recv_exactly");
}
std::size_t stream_socket::recv_exactly(std::span<std::byte> buffer, std::error_code& error,
                                        const options& how) noexcept {
  return take_all(buffer, error, how, [&](auto rest) { return recv(rest, error, how); });
}

std::size_t stream_socket::send_all(std::span<const std::byte> buffer, const options& how) {
  std::error_code error;
  return io_checked(send_all(buffer, error, how), error, "conc::io::stream_socket::send_all");
}
std::size_t stream_socket::send_all(std::span<const std::byte> buffer, std::error_code& error,
                                    const options& how) noexcept {
  return give_all(buffer, error, how, [&](auto rest) { return send(rest, error, how); });
}

void stream_socket::shutdown(int direction) { io::shutdown(fd(), direction); }
void stream_socket::shutdown(int direction, std::error_code& error) noexcept {
  io::shutdown(fd(), direction, error);
}

void stream_socket::close() { io::close(fd_.release()); }
void stream_socket::close(std::error_code& error) noexcept { close_owned(fd_, error); }

void stream_socket::set_no_delay(bool on) {
  std::error_code error;
  set_no_delay(on, error);
  io_check(error, "conc::io::stream_socket::set_no_delay");
}
void stream_socket::set_no_delay(bool on, std::error_code& error) noexcept {
  const int value = on ? 1 : 0;
  error.clear();
  if (setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) < 0) error = last_error();
}

socket_address stream_socket::local_address() const {
  return address_by(&::getsockname, fd(), "conc::io::stream_socket::local_address");
}
socket_address stream_socket::remote_address() const {
  return address_by(&::getpeername, fd(), "conc::io::stream_socket::remote_address");
}

}  // namespace conc::io
