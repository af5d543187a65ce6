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
inline task* announce_end(tcb& t, bool& free_block) noexcept {
  // [join] acq_rel: pairs with publish_joiner(), detach_or_reap() and await_end().
  const std::uintptr_t before = t.join.exchange(tcb::join_done, memory_order_acq_rel);
  free_block = before == tcb::join_detached;
  if (before == tcb::join_none || before == tcb::join_detached) return nullptr;
  return reinterpret_cast<task*>(before);
}

// A parked thread that waits for the end of `t`, or null; for `t` itself, about to end. Whoever it
// returns has its registers saved and can be resumed by nobody but `t`'s end.
inline task* parked_joiner(const tcb& t) noexcept {
  // [join] acquire: pairs with the release in publish_joiner().
  const std::uintptr_t seen = t.join.load(memory_order_acquire);
  return seen > tcb::join_done ? reinterpret_cast<task*>(seen) : nullptr;
}

// announce_end() for when the joiner that parked_joiner() has found is already running, here.
inline void announce_end_here(tcb& t) noexcept {
  t.join.store(tcb::join_done, memory_order_relaxed);
}

// Says, before `t` is switched to, that `joiner` waits for its end; for the holder of a processor
// who has just taken `t` off the line, so that nobody else can touch either.
inline void announce_joiner(tcb& t, task& joiner) noexcept {
  t.join.store(reinterpret_cast<std::uintptr_t>(&joiner), memory_order_relaxed);
}

}  // namespace conc::detail

#endif  // CONC_THREADS_JOIN_H
