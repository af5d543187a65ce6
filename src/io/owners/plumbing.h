// What the owners of sockets have in common.
#ifndef CONC_IO_OWNERS_PLUMBING_H
#define CONC_IO_OWNERS_PLUMBING_H

#include <system_error>

#include "conc/io/socket_address.h"
#include "conc/io/unique_fd.h"

namespace conc::detail {

// Throws what `error` says, if anything.
void io_check(const std::error_code& error, const char* call);

std::error_code last_error() noexcept;

// A close-on-exec socket of the address's family; nothing on an error.
io::unique_fd make_socket(const io::socket_address& like, int type,
                          std::error_code& error) noexcept;

// Closes and tells; `fd` owns nothing afterwards.
void close_owned(io::unique_fd& fd, std::error_code& error) noexcept;

// getsockname() or getpeername(), as an object.
io::socket_address address_by(int (*ask)(int, sockaddr*, socklen_t*), int fd, const char* call);

}  // namespace conc::detail

#endif  // CONC_IO_OWNERS_PLUMBING_H
