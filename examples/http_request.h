// The head of an HTTP/1.1 request (RFC 9112): found in a buffer, taken apart, judged.
#ifndef CONC_EXAMPLES_HTTP_REQUEST_H
#define CONC_EXAMPLES_HTTP_REQUEST_H

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace http {

// How much a client may send before it has come to the point.
constexpr std::size_t longest_line = 4096;  // the request line
constexpr std::size_t longest_head = 8192;  // that and all fields

// All text lies in the buffer that was parsed.
struct request {
  std::string_view method, target;
  int minor_version = 1;
  bool persistent = true;  // the client may go on with this connection
  bool has_body = false;
};

// What a buffer begins with: a head of so many bytes; a part of one (both are 0), so that more has
// to be read; or something to refuse with a status, and what follows cannot be understood.
struct verdict {
  std::size_t length = 0;
  int refusal = 0;
};

namespace detail {

constexpr bool is_token(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// No control characters, of which a stray CR or a NUL has fooled many a server.
constexpr bool is_text(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  });
}

constexpr bool same_word(std::string_view a, std::string_view lower_case) {
  return std::equal(a.begin(), a.end(), lower_case.begin(), lower_case.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
  });
}

constexpr std::string_view trimmed(std::string_view s) {
  const std::size_t first = s.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \t") - first + 1);
}

// "a, b, c" has the word b.
constexpr bool lists(std::string_view value, std::string_view word) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    if (same_word(trimmed(value.substr(0, comma)), word)) return true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return false;
}

// METHOD SP TARGET SP HTTP/1.x. Returns the status to refuse it with, or 0.
constexpr int read_request_line(std::string_view line, request& r) {
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  r.method = line.substr(0, first);
  r.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(r.method) || r.target.empty() || !is_text(r.target)) return 400;
  if (r.target.find_first_of(" \t") != std::string_view::npos) return 400;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.') return 400;
  if (!is_digit(version[5]) || !is_digit(version[7])) return 400;
  if (version[5] != '1') return 505;
  r.minor_version = version[7] - '0';
  r.persistent = r.minor_version > 0;
  return 0;
}

// Fields that must agree with one another, seen so far.
struct fields {
  bool host = false, close = false, keep_alive = false, encoded = false;
  std::string_view length;
};

constexpr int read_field(std::string_view line, fields& seen) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return 400;
  const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
  if (!is_token(name) || !is_text(value)) return 400;  // a folded line begins with a space
  if (same_word(name, "host")) {
    if (seen.host) return 400;
    seen.host = true;
  } else if (same_word(name, "connection")) {
    seen.close |= lists(value, "close");
    seen.keep_alive |= lists(value, "keep-alive");
  } else if (same_word(name, "content-length")) {
    const bool number = value.find_first_not_of("0123456789") == std::string_view::npos;
    if (value.empty() || !number) return 400;
    if (!seen.length.empty() && seen.length != value) return 400;
    seen.length = value;
  } else if (same_word(name, "transfer-encoding")) {
    seen.encoded = true;
  }
  return 0;
}

constexpr int judge(const fields& seen, request& r) {
  if (r.minor_version > 0 && !seen.host) return 400;
  if (seen.encoded && !seen.length.empty()) return 400;  // whose end is it? request smuggling
  r.persistent = !seen.close && (r.persistent || seen.keep_alive);
  r.has_body = seen.encoded || seen.length.find_first_not_of('0') != std::string_view::npos;
  return 0;
}

}  // namespace detail

// Looks at the beginning of `text`, which grows from call to call until the head is complete.
constexpr verdict parse(std::string_view text, request& r) {
  detail::fields seen;
  r = {};
  std::size_t at = 0;
  // Empty lines before a request are passed over: some clients end a body with one.
  while (text.substr(at).starts_with("\r\n")) at += 2;
  for (bool first = true;; first = false) {
    const std::size_t end = text.find('\n', at);
    const std::size_t sofar = std::min(end, text.size());
    if (first && sofar - at > longest_line) return {.refusal = 414};
    if (sofar >= longest_head) return {.refusal = 431};
    if (end == std::string_view::npos) return {};
    if (end == at || text[end - 1] != '\r') return {.refusal = 400};
    const std::string_view line = text.substr(at, end - 1 - at);
    at = end + 1;
    int refusal = 0;
    if (first) {
      refusal = detail::read_request_line(line, r);
    } else if (line.empty()) {
      refusal = detail::judge(seen, r);
      if (refusal == 0) return {.length = at};
    } else {
      refusal = detail::read_field(line, seen);
    }
    if (refusal != 0) return {.refusal = refusal};
  }
}

}  // namespace http

#endif  // CONC_EXAMPLES_HTTP_REQUEST_H
