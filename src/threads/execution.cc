#include "threads/execution.h"

#include <cxxabi.h>

#include <cerrno>

namespace conc::detail {

kernel_thread_state kernel_thread_state::of_this_thread() noexcept {
  kernel_thread_state k;
  k.error_number = &errno;
  // Declared opaque by <cxxabi.h>, laid out by the Itanium C++ ABI, section 2.2.2.
  k.exceptions = reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
  return k;
}

[[gnu::cold]] void switch_exceptions(exception_state& running, execution& from,
                                     execution& to) noexcept {
  if (running.in_flight() != 0) {
    from.caught = reinterpret_cast<std::uintptr_t>(running.caught) | execution::in_flight;
    from.uncaught = running.uncaught;
  }
  if (CONC_STEP(switch_exceptions)) {
    running = to.caught == 0
                  ? exception_state{}
                  : exception_state{reinterpret_cast<void*>(to.caught & ~execution::in_flight),
                                    to.uncaught};
  }
  to.caught = 0;
}

}  // namespace conc::detail
