#include "locks/mutants.h"

#ifdef CONC_MUTANTS

#include <cstdlib>
#include <cstring>

#include "locks/clock.h"

namespace conc::detail {

bool step_is_mutated(const char* name) noexcept {
  const char* chosen = std::getenv("CONC_MUTANT");
  return chosen != nullptr && std::strcmp(chosen, name) == 0;
}

void linger(std::int64_t length) noexcept {
  for (const nanos end = now() + length; now() < end;) {
  }
}

}  // namespace conc::detail

#endif
