// The calls on files and on their names. What they have in common: conc/io.h.
//
// Those after fdatasync() work on the disk, not on time: they look at deadline and stop token
// before they begin, and then take as long as the file system does (conc::blocking), at no cost to
// others.
#ifndef CONC_DETAIL_IO_FILES_H
#define CONC_DETAIL_IO_FILES_H

#include <sys/stat.h>
#include <sys/types.h>

#include <system_error>

#include "conc/config.h"
#include "conc/detail/io_error.h"
#include "conc/detail/io_options.h"

namespace conc::io {

// `mode` counts only where `flags` has O_CREAT or O_TMPFILE. Without one, what is made there is for
// everybody to read and write (0666), less what the process's umask takes away.
inline constexpr mode_t default_mode = 0666;
CONC_API int open(const char* path, int flags, mode_t mode, std::error_code& error,
                  const options& how = {}) noexcept;
inline int open(const char* path, int flags, mode_t mode, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(open(path, flags, mode, error, how), error, "conc::io::open");
}
inline int open(const char* path, int flags, std::error_code& error,
                const options& how = {}) noexcept {
  return open(path, flags, default_mode, error, how);
}
inline int open(const char* path, int flags, const options& how = {}) {
  return open(path, flags, default_mode, how);
}

CONC_API int openat(int directory, const char* path, int flags, mode_t mode, std::error_code& error,
                    const options& how = {}) noexcept;
inline int openat(int directory, const char* path, int flags, mode_t mode,
                  const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(openat(directory, path, flags, mode, error, how), error,
                                  "conc::io::openat");
}
inline int openat(int directory, const char* path, int flags, std::error_code& error,
                  const options& how = {}) noexcept {
  return openat(directory, path, flags, default_mode, error, how);
}
inline int openat(int directory, const char* path, int flags, const options& how = {}) {
  return openat(directory, path, flags, default_mode, how);
}

// The descriptor is gone afterwards, whatever the error.
CONC_API int close(int fd, std::error_code& error, const options& how = {}) noexcept;
inline int close(int fd, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(close(fd, error, how), error, "conc::io::close");
}

CONC_API int fsync(int fd, std::error_code& error, const options& how = {}) noexcept;
inline int fsync(int fd, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(fsync(fd, error, how), error, "conc::io::fsync");
}

CONC_API int fdatasync(int fd, std::error_code& error, const options& how = {}) noexcept;
inline int fdatasync(int fd, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(fdatasync(fd, error, how), error, "conc::io::fdatasync");
}

CONC_API int fallocate(int fd, int mode, off_t offset, off_t length, std::error_code& error,
                       const options& how = {}) noexcept;
inline int fallocate(int fd, int mode, off_t offset, off_t length, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(fallocate(fd, mode, offset, length, error, how), error,
                                  "conc::io::fallocate");
}

CONC_API int ftruncate(int fd, off_t length, std::error_code& error,
                       const options& how = {}) noexcept;
inline int ftruncate(int fd, off_t length, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(ftruncate(fd, length, error, how), error, "conc::io::ftruncate");
}

CONC_API int statx(int directory, const char* path, int flags, unsigned mask,
                   struct ::statx* result, std::error_code& error,
                   const options& how = {}) noexcept;
inline int statx(int directory, const char* path, int flags, unsigned mask, struct ::statx* result,
                 const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(statx(directory, path, flags, mask, result, error, how), error,
                                  "conc::io::statx");
}

CONC_API int renameat(int from_directory, const char* from, int to_directory, const char* to,
                      std::error_code& error, const options& how = {}) noexcept;
inline int renameat(int from_directory, const char* from, int to_directory, const char* to,
                    const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(renameat(from_directory, from, to_directory, to, error, how),
                                  error, "conc::io::renameat");
}

CONC_API int unlinkat(int directory, const char* path, int flags, std::error_code& error,
                      const options& how = {}) noexcept;
inline int unlinkat(int directory, const char* path, int flags, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(unlinkat(directory, path, flags, error, how), error,
                                  "conc::io::unlinkat");
}

CONC_API int mkdirat(int directory, const char* path, mode_t mode, std::error_code& error,
                     const options& how = {}) noexcept;
inline int mkdirat(int directory, const char* path, mode_t mode, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(mkdirat(directory, path, mode, error, how), error,
                                  "conc::io::mkdirat");
}

CONC_API int linkat(int from_directory, const char* from, int to_directory, const char* to,
                    int flags, std::error_code& error, const options& how = {}) noexcept;
inline int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags,
                  const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(linkat(from_directory, from, to_directory, to, flags, error, how),
                                  error, "conc::io::linkat");
}

CONC_API int symlinkat(const char* target, int directory, const char* path, std::error_code& error,
                       const options& how = {}) noexcept;
inline int symlinkat(const char* target, int directory, const char* path, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(symlinkat(target, directory, path, error, how), error,
                                  "conc::io::symlinkat");
}

}  // namespace conc::io

#endif  // CONC_DETAIL_IO_FILES_H
