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

}  // namespace conc::detail
