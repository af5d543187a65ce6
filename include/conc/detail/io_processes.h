// Waiting for child processes. What it has in common with other calls: conc/io.h.
#ifndef CONC_DETAIL_IO_PROCESSES_H
#define CONC_DETAIL_IO_PROCESSES_H

#include <sys/types.h>
#include <sys/wait.h>

#include <system_error>

#include "conc/config.h"
#include "conc/detail/io_error.h"
#include "conc/detail/io_options.h"

namespace conc::io {

// As waitpid(2): returns the child's number, or 0 with WNOHANG if there is nothing to report; on an
// error -1. `status` may be null. A call that is ended by its deadline or a stop request has not
// taken a child's status away.
CONC_API pid_t waitpid(pid_t pid, int* status, int flags, std::error_code& error,
                       const options& how = {}) noexcept;
inline pid_t waitpid(pid_t pid, int* status, int flags, const options& how = {}) {
  std::error_code error;
  return conc::detail::io_checked(waitpid(pid, status, flags, error, how), error,
                                  "conc::io::waitpid");
}

}  // namespace conc::io

#endif  // CONC_DETAIL_IO_PROCESSES_H
