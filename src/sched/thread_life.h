// The life of a user-level thread: made, given a stack, run, ended.
#ifndef CONC_SCHED_THREAD_LIFE_H
#define CONC_SCHED_THREAD_LIFE_H

#include "conc/thread.h"
#include "sched/processor.h"

namespace conc::detail {

// At the first dispatch, by the holder of `p`, inside its queue's section: a stack, with a context
// on it that runs the closure. Pool stacks were reserved when the control block was made, so this
// cannot fail.
void attach_stack(tcb& t, processor& p) noexcept;

// Gives back a control block whose thread has ended or never began.
void recycle(tcb& t) noexcept;

}  // namespace conc::detail

#endif  // CONC_SCHED_THREAD_LIFE_H
