// conc::blocking: a call that may block the kernel thread, without holding up its processor.
#ifndef CONC_BLOCKING_H
#define CONC_BLOCKING_H

#include <cstdint>
#include <functional>
#include <utility>

#include "conc/config.h"

namespace conc {
namespace detail {

class processor;
struct carrier;

// The calling thread's stay in a section that may block its kernel thread.
class CONC_API blocking_section {
 public:
  blocking_section();
  ~blocking_section();
  blocking_section(const blocking_section&) = delete;
  blocking_section& operator=(const blocking_section&) = delete;

 private:
  // The loan; null if there was nothing to lend.
  processor* lent_ = nullptr;
  carrier* here_ = nullptr;
  std::uint64_t lease_ = 0;
};

}  // namespace detail

// Calls f() and returns what it returns, or throws what it throws. f may do what blocks the kernel
// thread: a C-library call that waits, a lock of another library's, a file system that is slow.
//
// If that takes longer than some tens of microseconds the calling thread's processor is taken over
// by another kernel thread and goes on with the other threads. When f ends after that, the thread
// waits until a processor comes to it; otherwise it goes on at once. Entering and leaving costs
// some tens of nanoseconds, and a system call of a few microseconds if there was no section in the
// last hundred microseconds or so.
//
// Inside f the calling thread keeps its kernel thread, so thread_local variables and kernel mutexes
//   behave as on a kernel thread; and what waits in conc blocks the kernel thread, too.
// Limits: at most runtime_options::blocking_limit sections of a runtime are under way at once, and
//   as many kernel threads beyond its processors may exist for them; a thread that would be one too
//   many waits for its turn, first come, first served. Sections that wait for one another need a
//   limit of at least their number. If nobody's turn has come for a second, because no section
//   ended, standard error gets a message that says so, once a runtime.
// Nested calls and calls from kernel threads only call f.
// Errors: throws std::system_error (resource_unavailable_try_again, not_enough_memory) if the
// system
//   refuses another kernel thread; f has not been called then.
template <class F>
decltype(auto) blocking(F&& f) {
  const detail::blocking_section section;
  return std::invoke(std::forward<F>(f));
}

}  // namespace conc

#endif  // CONC_BLOCKING_H
