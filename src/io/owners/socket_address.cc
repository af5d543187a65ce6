#include "conc/io/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <system_error>

#include "conc/io.h"

namespace conc::io {
namespace {

// Where a Unix address's path begins.
constexpr socklen_t path_offset = offsetof(sockaddr_un, sun_path);

[[noreturn]] void refuse(std::errc why) {
  conc::detail::throw_io_error(std::make_error_code(why), "conc::io::socket_address");
}

// The storage seen as an address of its family. (All begin with the family, at the same place.)
template <class Address>
Address as(const socket_address& a) noexcept {
  Address result;
  std::memcpy(&result, a.data(), sizeof result);
  return result;
}

std::string path_of(const socket_address& a) {
  const char* const path = reinterpret_cast<const char*>(a.data()) + path_offset;
  const socklen_t room = a.size() > path_offset ? a.size() - path_offset : 0;
  if (room > 0 && path[0] == '\0') return '@' + std::string(path + 1, room - 1);
  return std::string(path, strnlen(path, room));
}

}  // namespace

socket_address::socket_address(const sockaddr* address, socklen_t size) : size_(size) {
  if (size > room_size()) refuse(std::errc::invalid_argument);
  std::memcpy(&storage_, address, size);
}

socket_address socket_address::ip(const std::string& numerals, std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (inet_pton(AF_INET, numerals.c_str(), &v4.sin_addr) == 1) {
    return {reinterpret_cast<const sockaddr*>(&v4), sizeof v4};
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (inet_pton(AF_INET6, numerals.c_str(), &v6.sin6_addr) == 1) {
    return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
  }
  refuse(std::errc::invalid_argument);
}

socket_address socket_address::loopback(std::uint16_t port) { return ip("127.0.0.1", port); }

socket_address socket_address::local(std::string_view path) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  // One byte stays zero, which ends a path; in the abstract namespace the length does.
  if (path.size() >= sizeof a.sun_path) refuse(std::errc::filename_too_long);
  path.copy(a.sun_path, path.size());
  const bool abstract = path.starts_with('\0');
  const auto size = path_offset + static_cast<socklen_t>(path.size()) + (abstract ? 0 : 1);
  return {reinterpret_cast<const sockaddr*>(&a), size};
}

std::uint16_t socket_address::port() const noexcept {
  if (family() == AF_INET) return ntohs(as<sockaddr_in>(*this).sin_port);
  if (family() == AF_INET6) return ntohs(as<sockaddr_in6>(*this).sin6_port);
  return 0;
}

std::string socket_address::to_string() const {
  char numerals[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_INET: {
      const auto a = as<sockaddr_in>(*this);
      inet_ntop(AF_INET, &a.sin_addr, numerals, sizeof numerals);
      return std::string(numerals) + ':' + std::to_string(port());
    }
    case AF_INET6: {
      const auto a = as<sockaddr_in6>(*this);
      inet_ntop(AF_INET6, &a.sin6_addr, numerals, sizeof numerals);
      return '[' + std::string(numerals) + "]:" + std::to_string(port());
    }
    case AF_UNIX:
      return path_of(*this);
    default:
      return {};
  }
}

bool socket_address::operator==(const socket_address& other) const noexcept {
  return size_ == other.size_ && std::memcmp(&storage_, &other.storage_, size_) == 0;
}

}  // namespace conc::io
