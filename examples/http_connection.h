// One connection of the HTTP server: reads requests, answers them, keeps to its limits of time.
#ifndef CONC_EXAMPLES_HTTP_CONNECTION_H
#define CONC_EXAMPLES_HTTP_CONNECTION_H

#include <conc/io.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "http_files.h"
#include "http_path.h"
#include "http_request.h"
#include "http_response.h"

namespace http {

namespace io = conc::io;

struct limits {
  std::chrono::seconds head;  // from the first byte of a request to the end of its head
  std::chrono::seconds idle;  // between requests
  std::chrono::seconds send;  // for 64 KiB to be taken
};

class connection {
 public:
  connection(io::stream_socket socket, files& files, const limits& limits)
      : socket_(std::move(socket)), files_(files), limits_(limits) {}

  // Until the client ends it, misbehaves or is too slow.
  void serve() {
    std::error_code error;
    socket_.set_no_delay(true, error);
    while (one_request()) {
    }
    if (flush() && refused_) linger();
  }

 private:
  static constexpr std::size_t chunk = 64 * 1024;

  // Reads, answers. Answers gather in out_ while the next request is there already.
  bool one_request() {
    request r;
    const verdict v = next_head(r);
    if (v.refusal != 0) return refuse(v.refusal);
    if (v.length == 0) return false;
    const bool go_on = answer(r);
    first_ += v.length;
    return go_on;
  }

  // Neither length nor refusal: the client has gone, or kept silent for too long.
  verdict next_head(request& r) {
    verdict v = parse(pending(), r);
    if (v.length != 0 || v.refusal != 0) return v;
    io::options how{.deadline = begun() ? limits_.head : limits_.idle};
    while (v.length == 0 && v.refusal == 0) {
      if (!flush()) return {};
      const bool had_begun = begun();
      if (const std::error_code error = read_more(how)) {
        return {.refusal = error == std::errc::timed_out && had_begun ? 408 : 0};
      }
      if (!had_begun) how.deadline = limits_.head;
      v = parse(pending(), r);
    }
    return v;
  }

  bool answer(const request& r) {
    const bool head_only = r.method == "HEAD";
    // A body would have to be read to find the next request; nothing here wants one.
    if (r.has_body) return refuse(is_known(r.method) ? 413 : 501);
    if (r.method != "GET" && !head_only) {
      return is_known(r.method) ? report(405, r) : refuse(501);
    }
    const path path = path_of(r.target);
    if (path.refusal != 0) return report(path.refusal, r);
    std::shared_ptr<const resource> found;
    const int status = files_.find(path.text, found);
    if (status != 200) return report(status, r);
    append_head(out_, 200, found->fields, date_, r.persistent, r.minor_version);
    if (!head_only) {
      if (found->file) return send_file(*found) && r.persistent;
      out_ += found->content;
    }
    if (out_.size() > chunk && !flush()) return false;
    return r.persistent;
  }

  static bool is_known(std::string_view method) {
    for (const char* known :
         {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
      if (method == known) return true;
    }
    return false;
  }

  // An answer that is no file, after which the connection goes on.
  bool report(int status, const request& r) {
    append_message(status, r.method != "HEAD", r.persistent, r.minor_version);
    return r.persistent;
  }
  // The same where it cannot go on, because nobody knows where the next request begins.
  bool refuse(int status) {
    append_message(status, true, false, 1);
    refused_ = true;
    return false;
  }
  void append_message(int status, bool with_body, bool persistent, int minor_version) {
    std::string body = std::to_string(status) + ' ';
    body.append(reason(status)).append("\n");
    std::string fields = content_fields("text/plain", body.size());
    if (status == 405) fields += "Allow: GET, HEAD\r\n";
    append_head(out_, status, fields, date_, persistent, minor_version);
    if (with_body) out_ += body;
  }

  bool send_file(const resource& r) {
    std::vector<std::byte> buffer(chunk);
    std::uint64_t at = 0;
    std::error_code error;
    while (at < r.length && flush()) {
      const auto wanted = std::span(buffer).first(std::min<std::uint64_t>(chunk, r.length - at));
      const std::size_t n = conc::io::pread(r.file.fd(), wanted, static_cast<off_t>(at), error);
      if (n == 0) return false;  // it has shrunk: only a broken connection can tell the client
      out_.append(reinterpret_cast<const char*>(buffer.data()), n);
      at += n;
    }
    return at == r.length;
  }

  std::string_view pending() const {
    return {reinterpret_cast<const char*>(in_.data()) + first_, last_ - first_};
  }
  bool begun() const { return last_ != first_; }

  std::error_code read_more(const io::options& how) {
    if (first_ == last_) first_ = last_ = 0;
    if (last_ == in_.size()) {
      std::copy(in_.begin() + static_cast<std::ptrdiff_t>(first_), in_.end(), in_.begin());
      last_ -= std::exchange(first_, 0);
    }
    std::error_code error;
    const std::size_t n = socket_.recv(std::span(in_).subspan(last_), error, how);
    if (!error && n == 0) return std::make_error_code(std::errc::connection_reset);
    last_ += n;
    return error;
  }

  bool flush() {
    if (out_.empty()) return true;
    std::error_code error;
    socket_.send_all(std::as_bytes(std::span(out_)), error, {.deadline = limits_.send});
    out_.clear();
    return !error;
  }

  // Closing while bytes lie unread would reset the connection, and the client might lose the very
  // answer that says why. So end our side, and read on for a moment.
  void linger() {
    std::error_code error;
    socket_.shutdown(SHUT_WR, error);
    const io::options how{.deadline = std::chrono::seconds(1)};
    for (std::size_t read = 0; !error && read < 1'000'000;) {
      const std::size_t n = socket_.recv(in_, error, how);
      if (n == 0) return;
      read += n;
    }
  }

  io::stream_socket socket_;
  files& files_;
  const limits& limits_;
  date_line date_;
  // Read and not yet understood: in_[first_, last_). Longer than any head that is accepted.
  std::array<std::byte, longest_head + 1024> in_;
  std::size_t first_ = 0, last_ = 0;
  std::string out_;  // to be sent
  bool refused_ = false;
};

}  // namespace http

#endif  // CONC_EXAMPLES_HTTP_CONNECTION_H
