// The calls that change files as a whole, and their names.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "conc/io.h"
#include "io/perform.h"
#include "io/section.h"

namespace conc::io {

using namespace conc::detail;

int fallocate(int fd, int mode, off_t offset, off_t length, std::error_code& error,
              const options& how) noexcept {
  return int_or_error(in_section(how, [=] { return ::fallocate(fd, mode, offset, length); }),
                      error);
}

int ftruncate(int fd, off_t length, std::error_code& error, const options& how) noexcept {
  return int_or_error(in_section(how, [=] { return ::ftruncate(fd, length); }), error);
}

int statx(int directory, const char* path, int flags, unsigned mask, struct ::statx* result,
          std::error_code& error, const options& how) noexcept {
  return int_or_error(
      in_section(how, [=] { return ::statx(directory, path, flags, mask, result); }), error);
}

int renameat(int from_directory, const char* from, int to_directory, const char* to,
             std::error_code& error, const options& how) noexcept {
  return int_or_error(
      in_section(how, [=] { return ::renameat(from_directory, from, to_directory, to); }), error);
}

int unlinkat(int directory, const char* path, int flags, std::error_code& error,
             const options& how) noexcept {
  return int_or_error(in_section(how, [=] { return ::unlinkat(directory, path, flags); }), error);
}

int mkdirat(int directory, const char* path, mode_t mode, std::error_code& error,
            const options& how) noexcept {
  return int_or_error(in_section(how, [=] { return ::mkdirat(directory, path, mode); }), error);
}

int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags,
           std::error_code& error, const options& how) noexcept {
  return int_or_error(
      in_section(how, [=] { return ::linkat(from_directory, from, to_directory, to, flags); }),
      error);
}

int symlinkat(const char* target, int directory, const char* path, std::error_code& error,
              const options& how) noexcept {
  return int_or_error(in_section(how, [=] { return ::symlinkat(target, directory, path); }), error);
}

}  // namespace conc::io
