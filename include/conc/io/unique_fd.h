// conc::io::unique_fd: the owner of a file descriptor.
#ifndef CONC_IO_UNIQUE_FD_H
#define CONC_IO_UNIQUE_FD_H

#include <utility>

#include "conc/config.h"

namespace conc::io {

// Closes its descriptor when it dies. Not thread-safe by itself, like a std::unique_ptr; the
// descriptor may be used by several threads, which must be done with it before it is closed.
class unique_fd {
 public:
  constexpr unique_fd() noexcept = default;
  // Takes over `fd`; negative: owns nothing.
  explicit constexpr unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~unique_fd() { reset(); }

  constexpr int get() const noexcept { return fd_; }
  explicit constexpr operator bool() const noexcept { return fd_ >= 0; }
  // Gives the descriptor away.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  // Closes the descriptor and takes over another. An error of the close is lost: who wants to know
  // calls io::close(release()).
  void reset(int fd = -1) noexcept {
    if (const int old = std::exchange(fd_, fd); old >= 0) close_quietly(old);
  }
  void swap(unique_fd& other) noexcept { std::swap(fd_, other.fd_); }
  friend void swap(unique_fd& a, unique_fd& b) noexcept { a.swap(b); }

 private:
  CONC_API static void close_quietly(int fd) noexcept;

  int fd_ = -1;
};

}  // namespace conc::io

#endif  // CONC_IO_UNIQUE_FD_H
