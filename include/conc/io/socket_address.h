// conc::io::socket_address: where a socket is, or shall be.
#ifndef CONC_IO_SOCKET_ADDRESS_H
#define CONC_IO_SOCKET_ADDRESS_H

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "conc/config.h"

namespace conc::io {

// A value, of any family. Nothing here waits: names of hosts are not resolved (call getaddrinfo()
// in conc::blocking(), and give the constructor what it returns).
class socket_address {
 public:
  // Of no family; what asks for an address gives it one.
  socket_address() noexcept = default;
  // A copy. Throws std::system_error (invalid_argument) if it is longer than any address.
  CONC_API socket_address(const sockaddr* address, socklen_t size);

  // From numerals, 192.0.2.1 or 2001:db8::1; port 0 lets the kernel choose when it is bound to.
  // Throws std::system_error (invalid_argument) if `numerals` are of neither kind.
  CONC_API static socket_address ip(const std::string& numerals, std::uint16_t port);
  // 127.0.0.1, which only this machine reaches.
  CONC_API static socket_address loopback(std::uint16_t port);
  // A path in the file system, or in Linux's abstract namespace if it begins with a zero byte.
  // Throws std::system_error (filename_too_long) beyond 107 bytes.
  CONC_API static socket_address local(std::string_view path);

  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }
  int family() const noexcept { return storage_.ss_family; }
  // In the host's byte order; 0 for families without ports.
  CONC_API std::uint16_t port() const noexcept;
  // 192.0.2.1:80, [2001:db8::1]:80, a path, @name in the abstract namespace.
  CONC_API std::string to_string() const;

  // For system calls that fill an address in: the room there is, and how much of it they used.
  sockaddr* room() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  static constexpr socklen_t room_size() noexcept { return sizeof(sockaddr_storage); }
  void resize(socklen_t size) noexcept { size_ = size < room_size() ? size : room_size(); }

  CONC_API bool operator==(const socket_address& other) const noexcept;

 private:
  sockaddr_storage storage_ = {};
  socklen_t size_ = 0;
};

}  // namespace conc::io

#endif  // CONC_IO_SOCKET_ADDRESS_H
