// A queue of the parking table that is kept in the order of a number instead of that of arrival.
#ifndef CONC_LOCKS_RANKED_QUEUE_H
#define CONC_LOCKS_RANKED_QUEUE_H

#include <cstdint>

#include "locks/parking_table.h"

namespace conc::detail {

// The number stands where other primitives keep a pointer for the waker.
inline void set_rank(task& t, std::uint64_t rank) noexcept {
  t.wait_context = reinterpret_cast<void*>(static_cast<std::uintptr_t>(rank));
}
inline std::uint64_t rank_of(const task& t) noexcept {
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(t.wait_context));
}

// Moves a task that has just been put at the back of a queue to where its rank belongs: behind all
// that are not greater. Nothing to do if it is the greatest. The bucket is locked.
inline void move_to_rank(parking_bucket& b, const void* address, task& t) noexcept {
  task* first = first_waiter(b, address);
  if (first == &t || rank_of(*t.prev_waiter) <= rank_of(t)) return;
  dequeue(b, t);
  if (rank_of(t) < rank_of(*first)) return enqueue(b, address, t, queue_end::front);
  task* after = first;  // the last one that stays before t
  while (rank_of(*after->next_waiter) <= rank_of(t)) after = after->next_waiter;
  t.prev_waiter = after;
  t.next_waiter = after->next_waiter;
  after->next_waiter->prev_waiter = &t;
  after->next_waiter = &t;
  // [parking.queued] release: as in enqueue().
  t.queued.store(true, memory_order_release);
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_RANKED_QUEUE_H
