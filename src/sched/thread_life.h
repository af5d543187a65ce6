// The life of a user-level thread: made, given a stack, run, ended.
#ifndef CONC_SCHED_THREAD_LIFE_H
#define CONC_SCHED_THREAD_LIFE_H

#include "conc/thread.h"
#include "threads/tcb_pool.h"

namespace conc::detail {

// At the first dispatch: a stack, with a context on it that runs the closure. Pool stacks were
// reserved when the control block was made, so this cannot fail.
void attach_stack(tcb& t, thread_cache& cache) noexcept;

// Gives back a control block whose thread has ended or never began.
void recycle(tcb& t) noexcept;

}  // namespace conc::detail

#endif  // CONC_SCHED_THREAD_LIFE_H
