// conc::io: the POSIX calls, blocking the calling thread and nobody else.
//
// Every call exists twice: one form reports errors through a std::error_code, which it clears on
// success; the other throws std::system_error. On an error an int result is -1, a size is 0.
//
// Blocking: a user-level thread that has to wait is suspended, and its processor runs others; the
//   operation goes to the engine of the kernel thread that it ran on: an io_uring or, where the
//   kernel refuses that or the environment says CONC_IO=epoll, an epoll set, with conc::blocking
//   for what cannot be polled. Kernel threads may call all of this, too: they block in the plain
//   system call, and with a deadline or a stop token let a thread of the default runtime do the
//   waiting. A signal does not end a call: there is no EINTR.
// Descriptors: plain ones. They need not be non-blocking, and the library never makes them so; a
//   call waits even if the descriptor has O_NONBLOCK set (save that connect() on a Unix socket
//   whose listener is full then fails with EAGAIN). MSG_DONTWAIT asks for a single attempt.
// Options: a deadline that passes gives std::errc::timed_out, a stop request
//   std::errc::operation_canceled. Neither comes early, and nothing is lost: what arrived before
//   the operation could be called off is delivered, even if that is a moment late. A request to
//   stop that stood before the call ends it at once; so does a deadline that had passed, where the
//   call has nobody to wait for (socket, mkdirat, ...): else what is there is delivered. Only
//   close() looks at neither. Once a disk is at work the kernel may finish the operation
//   first.
// Buffers: once a call has returned the kernel does not touch its buffers any more, always.
// Amounts: like the system calls these move what they can, at most 2 GiB - 4 KiB; fewer bytes than
//   asked for is no error. 0 bytes read is the end of the file or stream.
// Errors: what the system call reports. If the kernel has no engine for us (no descriptors left, or
//   io_uring refused in spite of CONC_IO=uring), a call that would have to wait fails with the
//   kernel's reason; for io_uring a message says so. Writing to a pipe or
//   socket that nobody reads raises SIGPIPE as ever: send() with MSG_NOSIGNAL does not.
// Thread-safety: as the system calls, and several threads may wait on one descriptor. Closing one
//   that others wait on never makes them touch another file that gets its number, if it is closed
//   by conc::io: on an epoll set their calls end with bad_file_descriptor, on an io_uring they wait
//   on as if the file were still open. To end the waits use shutdown() or a stop token.
// Limits of the epoll set: beside an io_uring these may stay past their deadline, and keep a kernel
//   thread: an accept() when another process takes the connection first, a terminal or another
//   descriptor without non-blocking reads in the same case, a splice() into a socket, and
//   recvmsg() with MSG_WAITALL returns parts. Waiting for a FIFO's other end with a deadline or
//   stop token looks for it every 16 ms.
#ifndef CONC_IO_H
#define CONC_IO_H

#include "conc/detail/io_bytes.h"
#include "conc/detail/io_files.h"
#include "conc/detail/io_options.h"
#include "conc/detail/io_processes.h"
#include "conc/detail/io_sockets.h"
#include "conc/io/datagram_socket.h"
#include "conc/io/file.h"
#include "conc/io/listener.h"
#include "conc/io/socket_address.h"
#include "conc/io/stream_socket.h"
#include "conc/io/unique_fd.h"
#include "conc/io/whole.h"

#endif  // CONC_IO_H
