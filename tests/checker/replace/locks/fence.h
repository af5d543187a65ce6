// The full fence of a checking build.
#ifndef CONC_LOCKS_FENCE_H
#define CONC_LOCKS_FENCE_H

#include "checker/operations.h"
#include "locks/mutants.h"

namespace conc::detail {

inline void full_fence(std::source_location at = std::source_location::current()) noexcept {
  if (CONC_STEP(full_fence)) checker::full_fence(at);
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_FENCE_H
