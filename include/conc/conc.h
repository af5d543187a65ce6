// Everything that conc offers. Each header can also be included by itself.
#ifndef CONC_CONC_H
#define CONC_CONC_H

#include "conc/atomic_wait.h"
#include "conc/barrier.h"
#include "conc/blocking.h"
#include "conc/cas_lock.h"
#include "conc/condition_variable.h"
#include "conc/condition_variable_any.h"
#include "conc/config.h"
#include "conc/guard.h"
#include "conc/io.h"
#include "conc/latch.h"
#include "conc/mutex.h"
#include "conc/once.h"
#include "conc/policy.h"
#include "conc/recursive_mutex.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "conc/shared_mutex.h"
#include "conc/tas_lock.h"
#include "conc/task_group.h"
#include "conc/thread.h"
#include "conc/ticket_lock.h"
#include "conc/timed_mutex.h"
#include "conc/ttas_lock.h"
#include "conc/two_phase_lock.h"

#endif  // CONC_CONC_H
