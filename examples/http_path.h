// From a request's target to a path below the served folder.
#ifndef CONC_EXAMPLES_HTTP_PATH_H
#define CONC_EXAMPLES_HTTP_PATH_H

#include <algorithm>
#include <string>
#include <string_view>

namespace http {

// Begins with a slash and holds neither "." nor ".." nor empty segments, save that it may end with
// a slash; or a status that says why there is none.
struct path {
  std::string text;
  int refusal = 0;
};

namespace detail {

constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Replaces %41 by A. False if a percent sign is followed by anything else, or if there is
// a NUL, where the system calls would end the name.
inline bool decode(std::string_view from, std::string& to) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] != '%') {
      to += from[i];
      continue;
    }
    if (from.size() - i < 3) return false;
    const int high = hex_digit(from[i + 1]), low = hex_digit(from[i + 2]);
    if (high < 0 || low < 0) return false;
    to += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return to.find('\0') == std::string::npos;
}

}  // namespace detail

// Both forms that RFC 9112 wants understood: /path?query and http://host/path?query. Segments are
// looked at after decoding, so that no spelling of ".." gets by.
inline path path_of(std::string_view target) {
  if (target.starts_with("http://")) {
    target.remove_prefix(7);
    const std::size_t slash = std::min(target.find_first_of("/?#"), target.size());
    target.remove_prefix(slash);
    if (target.empty()) target = "/";
  }
  target = target.substr(0, target.find_first_of("?#"));
  std::string decoded;
  if (!target.starts_with('/') || !detail::decode(target, decoded)) return {{}, 400};
  path result;
  for (std::size_t at = 0; at < decoded.size();) {
    const std::size_t next = std::min(decoded.find('/', at + 1), decoded.size());
    const std::string_view segment = std::string_view(decoded).substr(at + 1, next - at - 1);
    if (segment == "..") return {{}, 403};
    if (!segment.empty() && segment != ".") result.text.append("/").append(segment);
    at = next;
  }
  if (decoded.ends_with('/') || result.text.empty()) result.text += '/';
  return result;
}

}  // namespace http

#endif  // CONC_EXAMPLES_HTTP_PATH_H
