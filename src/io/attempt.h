// System calls that cannot wait: each does at once what can be done at once, or says EAGAIN.
//
// They return the result or the negative of an errno value, and are functions of their own, not
// inline: errno's address belongs to the kernel thread, and a compiler may keep it across a
// suspension of the caller.
#ifndef CONC_IO_ATTEMPT_H
#define CONC_IO_ATTEMPT_H

#include "io/request.h"

namespace conc::detail {

// A single try at a read, write, recv, send or poll (IORING_OP_…) that leaves the descriptor's
// flags alone. EAGAIN or EOPNOTSUPP: nothing was done, and the answer has to be waited for.
[[gnu::noinline]] int attempt(const request& r) noexcept;

// The events of a POLL_ADD; EAGAIN if none has come within `timeout` milliseconds (-1: no limit).
[[gnu::noinline]] int poll_one(const request& r, int timeout) noexcept;

// The plain system call, which blocks the kernel thread; for kernel threads.
[[gnu::noinline]] int block_on(const request& r) noexcept;

}  // namespace conc::detail

#endif  // CONC_IO_ATTEMPT_H
