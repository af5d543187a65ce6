// What a server says before it sends a file, or instead.
#ifndef CONC_EXAMPLES_HTTP_RESPONSE_H
#define CONC_EXAMPLES_HTTP_RESPONSE_H

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace http {

constexpr std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

constexpr std::string_view content_type(std::string_view path) {
  struct known {
    std::string_view ending, type;
  };
  constexpr known all[] = {
      {".html", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".txt", "text/plain; charset=utf-8"},
      {".md", "text/markdown; charset=utf-8"},
      {".js", "text/javascript"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".gif", "image/gif"},
      {".ico", "image/x-icon"},
      {".pdf", "application/pdf"},
      {".wasm", "application/wasm"},
      {".woff2", "font/woff2"},
  };
  for (const known& k : all) {
    if (path.ends_with(k.ending)) return k.type;
  }
  return "application/octet-stream";
}

// The line "Date: ...", which is the same for a second.
class date_line {
 public:
  const std::string& now() {
    if (const std::time_t t = std::time(nullptr); t != second_) {
      second_ = t;
      std::tm parts;
      char text[64];
      gmtime_r(&t, &parts);
      // Not by the locale: English names are a part of the protocol, and nobody calls setlocale().
      text_.assign(text,
                   std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts));
    }
    return text_;
  }

 private:
  std::time_t second_ = -1;
  std::string text_;
};

// Appends status line and fields. `fixed`: complete lines that belong to the content.
inline void append_head(std::string& out, int status, std::string_view fixed, date_line& date,
                        bool persistent, int minor_version) {
  out += "HTTP/1.1 ";
  out += std::to_string(status);
  out += ' ';
  out += reason(status);
  out += "\r\n";
  out += date.now();
  out += fixed;
  if (!persistent) {
    out += "Connection: close\r\n";
  } else if (minor_version == 0) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

inline std::string content_fields(std::string_view type, std::uint64_t length) {
  std::string fields = "Content-Type: ";
  fields.append(type).append("\r\nContent-Length: ").append(std::to_string(length));
  return fields += "\r\n";
}

}  // namespace http

#endif  // CONC_EXAMPLES_HTTP_RESPONSE_H
