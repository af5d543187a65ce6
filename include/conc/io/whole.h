// conc::io::read_exactly and write_all: a whole buffer, however many calls it takes.
#ifndef CONC_IO_WHOLE_H
#define CONC_IO_WHOLE_H

#include <cstddef>
#include <span>
#include <system_error>

#include "conc/config.h"
#include "conc/detail/io_options.h"

// As read() and write() of conc/io.h, which says what holds for all calls, with these differences.
//
// Deadline: one for the whole. A peer that sends a byte now and then cannot stretch it.
// End of file: before the first byte it is no error, and read_exactly returns 0, so that a loop
// over
//   records ends there. In the midst it is std::errc::no_message_available.
// After an error an unknown part has been moved: the connection, or the file's position, is then of
//   no more use than that.
// Thread-safety: other threads' calls on the same descriptor may come in between the parts.
namespace conc::io {

// Returns buffer.size(), or 0 at the end.
CONC_API std::size_t read_exactly(int fd, std::span<std::byte> buffer, std::error_code& error,
                                  const options& how = {}) noexcept;
CONC_API std::size_t read_exactly(int fd, std::span<std::byte> buffer, const options& how = {});

// Returns buffer.size().
CONC_API std::size_t write_all(int fd, std::span<const std::byte> buffer, std::error_code& error,
                               const options& how = {}) noexcept;
CONC_API std::size_t write_all(int fd, std::span<const std::byte> buffer, const options& how = {});

}  // namespace conc::io

#endif  // CONC_IO_WHOLE_H
