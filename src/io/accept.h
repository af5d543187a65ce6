// accept() with flags, for those who make more of the descriptor than a number.
#ifndef CONC_IO_ACCEPT_H
#define CONC_IO_ACCEPT_H

#include <sys/socket.h>

#include "conc/detail/io_options.h"
#include "io/request.h"

namespace conc::detail {

// As accept4(): SOCK_CLOEXEC holds from the first moment on, so that no exec() in another thread
// comes between.
outcome accept_with(int fd, sockaddr* address, socklen_t* length, int flags,
                    const io::options& how) noexcept;

}  // namespace conc::detail

#endif  // CONC_IO_ACCEPT_H
