#include "conc/detail/misuse.h"

#include "locks/fatal.h"

namespace conc::detail {

void misused(const char* what, const void* object) noexcept { fatal(what, object); }

void misused(const char* what, const void* object, std::uint32_t holder) noexcept {
  fatal(what, object, holder);
}

}  // namespace conc::detail
