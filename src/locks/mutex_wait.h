// The mutex's slow paths, for the condition variable, whose waiters end up in the mutex's queue.
#ifndef CONC_LOCKS_MUTEX_WAIT_H
#define CONC_LOCKS_MUTEX_WAIT_H

#include "locks/task.h"

namespace conc::detail {

// Locks, starting with what the last wake said: `designated` for a waiter that an unlock has woken,
// else a newcomer. Without `may_spin` every failure blocks. False if the deadline came first.
bool lock_waiting(atomic<std::uint64_t>& word, std::uint64_t mine, task& self, wake_token token,
                  nanos deadline = no_deadline, bool may_spin = true) noexcept;

// Unlocks on behalf of the owner, whoever the caller is.
void release(atomic<std::uint64_t>& word) noexcept;

// Gives the mutex of `from`, who need not be the caller, to `to`, a suspended task that is in no
// queue, and makes it run with the token `granted`. The mutex is not free in between. Afterwards it
// may be gone.
void hand_over(atomic<std::uint64_t>& word, const task& from, task& to) noexcept;

// Puts tasks that are in no queue, linked by next_waiter, behind the mutex's waiters: when it is
// unlocked it will wake them one by one. If it is free already the first is woken now, to compete.
void requeue_to_mutex(atomic<std::uint64_t>& word, task* first) noexcept;

}  // namespace conc::detail

#endif  // CONC_LOCKS_MUTEX_WAIT_H
