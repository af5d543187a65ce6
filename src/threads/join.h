// Waiting for the end of a user-level thread, and what its end does.
//
// tcb::join, by value:
//
//   join_none      running, joinable, nobody waits
//   join_detached  running, nobody will ever wait: the end frees the block
//   join_done      ended and off its stack: the joiner frees the block
//   a task         running, and that task is suspended until the end
//
// Every transition is one locked instruction, by the joiner (none -> task), the detacher (none ->
// detached) or the end (any -> done), and whoever comes second finds what the first has left.
#ifndef CONC_THREADS_JOIN_H
#define CONC_THREADS_JOIN_H

#include "threads/tcb.h"

namespace conc::detail {

// Suspends the caller until `t` has ended. The block is then the caller's, to recycle.
void await_end(tcb& t) noexcept;

// True if `t` had ended already: then the block is the caller's, to recycle.
bool detach_or_reap(tcb& t) noexcept;

// Says that `t` has ended and that nothing runs on its stack any more; returns the task that waits
// for it, to be resumed, or null. Sets `free_block` if nobody is left to recycle the block.
task* announce_end(tcb& t, bool& free_block) noexcept;

// A parked thread that waits for the end of `t`, or null; for `t` itself, about to end. Whoever it
// returns has its registers saved and can be resumed by nobody but `t`'s end.
task* parked_joiner(const tcb& t) noexcept;

// announce_end() for when the joiner that parked_joiner() has found is already running, here.
void announce_end_here(tcb& t) noexcept;

}  // namespace conc::detail

#endif  // CONC_THREADS_JOIN_H
