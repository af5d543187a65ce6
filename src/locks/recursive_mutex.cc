#include "conc/recursive_mutex.h"

#include "locks/fatal.h"

namespace conc::detail {

void unlocked_by_another(const void* lock) noexcept {
  fatal("a mutex was unlocked by a thread that does not hold it", lock);
}

void too_many_levels() {
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                          "recursive_mutex::lock");
}

}  // namespace conc::detail
