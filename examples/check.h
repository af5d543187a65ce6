// How the examples watch themselves: a rule that is broken ends the program with status 1.
#ifndef CONC_EXAMPLES_CHECK_H
#define CONC_EXAMPLES_CHECK_H

#include <conc/semaphore.h>

#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace examples {

// Says what went wrong and ends the process at once: after a violation there may be threads that
// would never end by themselves.
[[noreturn, gnu::format(printf, 1, 2)]] inline void fail(const char* format, ...) {
  std::fflush(stdout);
  std::fputs("violation: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  std::_Exit(1);
}

// Progress: everybody gets his turn at least once. Each thread reports its first success, and the
// main thread waits for all reports. A missing one is a violation, after a patience so long that no
// busy machine can be the reason.
class roll_call {
 public:
  void present() { reports_.release(); }

  void wait_for(unsigned count, const char* who, const char* what) {
    constexpr std::chrono::seconds patience{20};
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (unsigned i = 0; i < count; ++i) {
      if (reports_.try_acquire_until(deadline)) continue;
      fail("only %u of %u %s %s within %d seconds", i, count, who, what,
           static_cast<int>(patience.count()));
    }
  }

 private:
  conc::counting_semaphore<> reports_{0};
};

}  // namespace examples

#endif  // CONC_EXAMPLES_CHECK_H
