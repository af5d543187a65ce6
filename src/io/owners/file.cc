#include "conc/io/file.h"

#include "conc/io.h"
#include "io/owners/plumbing.h"

namespace conc::io {

using namespace conc::detail;

file file::open(const char* path, int flags, mode_t mode, const options& how) {
  return file(unique_fd(io::open(path, flags | O_CLOEXEC, mode, how)));
}
file file::open(const char* path, int flags, mode_t mode, std::error_code& error,
                const options& how) noexcept {
  return file(unique_fd(io::open(path, flags | O_CLOEXEC, mode, error, how)));
}

std::size_t file::read(std::span<std::byte> buffer, const options& how) {
  return io::read(fd(), buffer, how);
}
std::size_t file::read(std::span<std::byte> buffer, std::error_code& error,
                       const options& how) noexcept {
  return io::read(fd(), buffer, error, how);
}

std::size_t file::write(std::span<const std::byte> buffer, const options& how) {
  return io::write(fd(), buffer, how);
}
std::size_t file::write(std::span<const std::byte> buffer, std::error_code& error,
                        const options& how) noexcept {
  return io::write(fd(), buffer, error, how);
}

std::size_t file::pread(std::span<std::byte> buffer, off_t offset, const options& how) {
  return io::pread(fd(), buffer, offset, how);
}
std::size_t file::pread(std::span<std::byte> buffer, off_t offset, std::error_code& error,
                        const options& how) noexcept {
  return io::pread(fd(), buffer, offset, error, how);
}

std::size_t file::pwrite(std::span<const std::byte> buffer, off_t offset, const options& how) {
  return io::pwrite(fd(), buffer, offset, how);
}
std::size_t file::pwrite(std::span<const std::byte> buffer, off_t offset, std::error_code& error,
                         const options& how) noexcept {
  return io::pwrite(fd(), buffer, offset, error, how);
}

std::size_t file::read_exactly(std::span<std::byte> buffer, const options& how) {
  return io::read_exactly(fd(), buffer, how);
}
std::size_t file::read_exactly(std::span<std::byte> buffer, std::error_code& error,
                               const options& how) noexcept {
  return io::read_exactly(fd(), buffer, error, how);
}

std::size_t file::write_all(std::span<const std::byte> buffer, const options& how) {
  return io::write_all(fd(), buffer, how);
}
std::size_t file::write_all(std::span<const std::byte> buffer, std::error_code& error,
                            const options& how) noexcept {
  return io::write_all(fd(), buffer, error, how);
}

void file::sync(const options& how) { io::fsync(fd(), how); }
void file::sync(std::error_code& error, const options& how) noexcept {
  io::fsync(fd(), error, how);
}

void file::close() { io::close(fd_.release()); }
void file::close(std::error_code& error) noexcept { close_owned(fd_, error); }

}  // namespace conc::io
