// The steps of a checking build: the checker leaves one out, if it is told to.
#ifndef CONC_LOCKS_MUTANTS_H
#define CONC_LOCKS_MUTANTS_H

#include "checker/operations.h"

#define CONC_STEP(name) (::conc::checker::stands(#name))
#define CONC_GAP(name) static_cast<void>(0)

#endif  // CONC_LOCKS_MUTANTS_H
