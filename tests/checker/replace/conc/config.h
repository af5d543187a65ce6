// The build configuration of a checking build: a pause in a waiting loop is the checker's business.
#ifndef CONC_CHECKER_CONFIG_H
#define CONC_CHECKER_CONFIG_H

#include "../../../../include/conc/config.h"
#include "checker/operations.h"

#undef CONC_CPU_RELAX
#define CONC_CPU_RELAX() ::conc::checker::relax()

#endif  // CONC_CHECKER_CONFIG_H
