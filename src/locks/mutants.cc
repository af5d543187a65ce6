#include "locks/mutants.h"

#ifdef CONC_MUTANTS

#include <cstdlib>
#include <cstring>

namespace conc::detail {

bool step_is_mutated(const char* name) noexcept {
  const char* chosen = std::getenv("CONC_MUTANT");
  return chosen != nullptr && std::strcmp(chosen, name) == 0;
}

}  // namespace conc::detail

#endif
