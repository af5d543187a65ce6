// Requests on an engine that can only wait for descriptors.
#ifndef CONC_IO_EMULATION_H
#define CONC_IO_EMULATION_H

#include "conc/detail/io_options.h"
#include "io/request.h"

namespace conc::detail {

// For a user-level thread: carries the request out as a ring would, by attempts that cannot wait,
// waits for the descriptor, and, for what knows neither, blocking sections. EOPNOTSUPP: it cannot.
// `tried` is what an attempt at it has just said (attempt.h): it need not be made once more. 0 if
// there was none.
//
// Limits beside a ring: an accept() that another process is faster at, and descriptors that have no
// attempt without waiting (terminals, say), may hold the call, and a kernel thread, past the
// deadline; a splice() into a socket too.
outcome emulate(const request& r, int tried, const io::options& how) noexcept;

// --- fifo.cc ------------------------------------------------------------------------------------

// An OPENAT that a deadline or a stop request may end.
outcome open_with_limits(const request& r, const io::options& how) noexcept;

}  // namespace conc::detail

#endif  // CONC_IO_EMULATION_H
