// The queues inside one bucket of the parking table: who waits for which address, in which order.
//
// A bucket is a lock and a chain of queues, one for each address, so that a million tasks on one
// mutex lengthen nobody else's search. A queue has no node of its own: its first waiter stands in
// the bucket's chain and knows the last one.
//
//   bucket.first_queue --> A1 --next_queue--> B1 --next_queue--> null
//                          |                  |
//                     next_waiter        next_waiter
//                          v                  v
//                          A2                 B2     A1.last_waiter == A2, B1.last_waiter == B2
//
// Nearly always a bucket holds one queue of one waiter, if any; that case is inline here, and the
// others are in parking_queue.cc.
//
// Invariants (under the bucket's lock): a task is in at most one queue; `queued` says so; queues
// are FIFO, but for waiters that were woken to compete and lost, who return to the front; no two
// queues of a bucket have the same address.
#ifndef CONC_LOCKS_PARKING_QUEUE_H
#define CONC_LOCKS_PARKING_QUEUE_H

#include "locks/internal_lock.h"
#include "locks/task.h"

namespace conc::detail {

enum class queue_end : std::uint8_t { back, front };

struct alignas(16) parking_bucket {
  internal_lock lock;
  task* first_queue = nullptr;
};

// The general cases of the operations below.
void enqueue_among_others(parking_bucket& b, const void* address, task& t,
                          queue_end where) noexcept;
task* dequeue_first_of_several(parking_bucket& b, const void* address, bool& more) noexcept;

inline bool waits_for(const task& t, const void* address) noexcept {
  return t.wait_address.load(memory_order_relaxed) == address;
}

inline void enqueue(parking_bucket& b, const void* address, task& t,
                    queue_end where = queue_end::back) noexcept {
  t.wait_address.store(address, memory_order_relaxed);
  // [parking.queued] release: pairs with the acquire in withdraw_from_table(), which must not take
  // a task that is queued at a new address for one that still is at the old.
  t.queued.store(true, memory_order_release);
  t.next_waiter = t.prev_waiter = nullptr;
  if (b.first_queue != nullptr) [[unlikely]]
    return enqueue_among_others(b, address, t, where);
  t.last_waiter = &t;
  t.next_queue = nullptr;
  b.first_queue = &t;
}

// Takes the oldest waiter off, or null. Sets `more` to whether others remain.
inline task* dequeue_first(parking_bucket& b, const void* address, bool& more) noexcept {
  task* t = b.first_queue;
  if (t == nullptr || t->next_waiter != nullptr || !waits_for(*t, address)) [[unlikely]]
    return dequeue_first_of_several(b, address, more);
  b.first_queue = t->next_queue;
  t->queued.store(false, memory_order_relaxed);
  more = false;
  return t;
}

task* first_waiter(const parking_bucket& b, const void* address) noexcept;
// The same if it waits for that kind of object, else null. For late notifiers, see parking_table.h.
task* first_waiter(const parking_bucket& b, const void* address, wait_kind kind) noexcept;
// Takes the whole queue off, linked by next_waiter in order of arrival; null if there is none.
task* dequeue_all(parking_bucket& b, const void* address) noexcept;
void dequeue(parking_bucket& b, task& t) noexcept;

// Makes the tasks of such a list run again, in its order. Their tokens were written under the lock,
// which has been dropped: once a task runs, its links are its own.
inline void resume_all(task* first) noexcept {
  while (first != nullptr) {
    task* next = first->next_waiter;
    resume(*first);
    first = next;
  }
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_PARKING_QUEUE_H
