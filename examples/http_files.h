// The files that a server offers. Small ones are kept for a second, so that a popular page costs
// neither an open() nor a read().
#ifndef CONC_EXAMPLES_HTTP_FILES_H
#define CONC_EXAMPLES_HTTP_FILES_H

#include <conc/io.h>
#include <conc/mutex.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "http_response.h"

namespace http {

// A file to send: its fields, and its content if that is small; otherwise it has to be read.
struct resource {
  std::string fields;
  std::uint64_t length = 0;
  std::string content;
  conc::io::file file;
};

class files {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::uint64_t small = 64 * 1024;
  static constexpr std::size_t most_kept = 256;
  static constexpr std::chrono::seconds fresh{1};

  explicit files(std::string root) : root_(std::move(root)) {}

  // What is at a path as path_of() makes them, or a status: 404, or 503 when descriptors run out.
  int find(const std::string& path, std::shared_ptr<const resource>& found) {
    {
      const std::scoped_lock lock(mutex_);
      const auto kept = kept_.find(path);
      if (kept != kept_.end() && clock::now() < kept->second.until) {
        found = kept->second.what;
        return 200;
      }
    }
    const auto loaded = std::make_shared<resource>();
    const int status = load(path, *loaded);
    if (status != 200) return status;
    found = loaded;
    if (!loaded->file) keep(path, found);
    return 200;
  }

 private:
  struct entry {
    std::shared_ptr<const resource> what;
    clock::time_point until;
  };

  int load(const std::string& path, resource& r) const try {
    const std::string full = root_ + path + (path.ends_with('/') ? "index.html" : "");
    // Non-blocking, or a FIFO with this name would hold us for ever.
    std::error_code error;
    auto file = conc::io::file::open(full.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, error);
    if (error == std::errc::too_many_files_open) return 503;
    struct stat about;
    if (error || fstat(file.fd(), &about) != 0 || !S_ISREG(about.st_mode)) return 404;
    r.length = static_cast<std::uint64_t>(about.st_size);
    r.fields = content_fields(content_type(full), r.length);
    if (r.length > small) {
      r.file = std::move(file);
    } else {
      r.content.resize(r.length);
      if (file.read_exactly(std::as_writable_bytes(std::span(r.content))) != r.length) return 503;
    }
    return 200;
  } catch (const std::system_error&) {
    return 503;  // a file that cannot be read, or that shrinks under us
  }

  void keep(const std::string& path, std::shared_ptr<const resource> what) {
    const std::scoped_lock lock(mutex_);
    if (kept_.size() >= most_kept && !kept_.contains(path)) kept_.erase(kept_.begin());
    kept_[path] = {std::move(what), clock::now() + fresh};
  }

  const std::string root_;
  conc::mutex mutex_;
  std::unordered_map<std::string, entry> kept_;
};

}  // namespace http

#endif  // CONC_EXAMPLES_HTTP_FILES_H
