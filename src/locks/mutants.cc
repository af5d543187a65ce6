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

void linger() noexcept {
  for (const nanos end = now() + 3'000; now() < end;) {
  }
}

}  // namespace conc::detail

#endif
