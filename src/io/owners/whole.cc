#include "conc/io/whole.h"

#include "conc/io.h"
#include "io/owners/until_done.h"

namespace conc::io {

using namespace conc::detail;

std::size_t read_exactly(int fd, std::span<std::byte> buffer, std::error_code& error,
                         const options& how) noexcept {
  return take_all(buffer, error, how, [&](auto rest) { return read(fd, rest, error, how); });
}

std::size_t read_exactly(int fd, std::span<std::byte> buffer, const options& how) {
  std::error_code error;
  return io_checked(read_exactly(fd, buffer, error, how), error, "conc::io::read_exactly");
}

std::size_t write_all(int fd, std::span<const std::byte> buffer, std::error_code& error,
                      const options& how) noexcept {
  return give_all(buffer, error, how, [&](auto rest) { return write(fd, rest, error, how); });
}

std::size_t write_all(int fd, std::span<const std::byte> buffer, const options& how) {
  std::error_code error;
  return io_checked(write_all(fd, buffer, error, how), error, "conc::io::write_all");
}

}  // namespace conc::io
