// conc::io::file: the owner of an open file, and the calls on it.
#ifndef CONC_IO_FILE_H
#define CONC_IO_FILE_H

#include <fcntl.h>
#include <sys/types.h>

#include <cstddef>
#include <span>
#include <system_error>
#include <utility>

#include "conc/config.h"
#include "conc/detail/io_options.h"
#include "conc/io/unique_fd.h"

namespace conc::io {

// A file, a pipe's end, a device: whatever read() and write() take. The members are the functions
// of the same names in conc/io.h and conc/io/whole.h, which say what blocks and what can go wrong;
// on an owner of nothing they fail with bad_file_descriptor.
//
// Thread-safety: as the calls, while nobody moves, assigns or closes the object.
class file {
 public:
  file() noexcept = default;
  // Takes the descriptor over.
  explicit file(unique_fd fd) noexcept : fd_(std::move(fd)) {}

  // O_CLOEXEC is added to `flags`. The form with an error code returns an owner of nothing then.
  CONC_API static file open(const char* path, int flags, mode_t mode = 0666,
                            const options& how = {});
  CONC_API static file open(const char* path, int flags, mode_t mode, std::error_code& error,
                            const options& how = {}) noexcept;

  int fd() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  // Gives the descriptor away.
  unique_fd release() noexcept { return std::move(fd_); }

  CONC_API std::size_t read(std::span<std::byte> buffer, const options& how = {});
  CONC_API std::size_t read(std::span<std::byte> buffer, std::error_code& error,
                            const options& how = {}) noexcept;
  CONC_API std::size_t write(std::span<const std::byte> buffer, const options& how = {});
  CONC_API std::size_t write(std::span<const std::byte> buffer, std::error_code& error,
                             const options& how = {}) noexcept;
  CONC_API std::size_t pread(std::span<std::byte> buffer, off_t offset, const options& how = {});
  CONC_API std::size_t pread(std::span<std::byte> buffer, off_t offset, std::error_code& error,
                             const options& how = {}) noexcept;
  CONC_API std::size_t pwrite(std::span<const std::byte> buffer, off_t offset,
                              const options& how = {});
  CONC_API std::size_t pwrite(std::span<const std::byte> buffer, off_t offset,
                              std::error_code& error, const options& how = {}) noexcept;

  CONC_API std::size_t read_exactly(std::span<std::byte> buffer, const options& how = {});
  CONC_API std::size_t read_exactly(std::span<std::byte> buffer, std::error_code& error,
                                    const options& how = {}) noexcept;
  CONC_API std::size_t write_all(std::span<const std::byte> buffer, const options& how = {});
  CONC_API std::size_t write_all(std::span<const std::byte> buffer, std::error_code& error,
                                 const options& how = {}) noexcept;

  // fsync(): returns when the file is on the disk.
  CONC_API void sync(const options& how = {});
  CONC_API void sync(std::error_code& error, const options& how = {}) noexcept;
  // Closes now rather than at the end, and tells of an error. Owns nothing afterwards, in any case.
  CONC_API void close();
  CONC_API void close(std::error_code& error) noexcept;

 private:
  unique_fd fd_;
};

}  // namespace conc::io

#endif  // CONC_IO_FILE_H
