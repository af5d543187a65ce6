// The parking table: tasks that wait, found by the address of what they wait for.
//
// A blocking primitive of this library is a word, a condition on it, and this table. The word says
// whether somebody waits; the table knows who. Addresses are hashed to buckets; a bucket is a lock
// and a chain of queues, one per address, so that a million tasks on one mutex lengthen nobody
// else's search.
//
// The protocol, which makes lost wakes impossible for every client at once:
//
//   waiter                                    waker
//   1. lock the bucket of the address         1. change the word
//   2. validate: must I still wait?           2. lock the bucket
//      no: unlock, return                     3. take waiters off the queue, adjust the word
//   3. append itself to the queue             4. unlock the bucket
//   4. save its registers                     5. resume those waiters
//   5. unlock the bucket
//
// If the waker's step 2 comes before the waiter's step 1, validation sees the changed word;
// otherwise the waker finds the waiter, with its registers saved. Step 4 before 5 is why the lock
// of the bucket is released on the *next* thread's stack: no permit and no second pair of locked
// instructions is needed to keep a waker from resuming a thread that is still running.
//
// Destruction: the waker's last access to the object is in step 3. The waiter returns after step
// 5, so it may destroy the object at once; the table is keyed by the address and never follows it.
//
// Invariants (under a bucket's lock): a task is in at most one queue; `queued` says so; queues are
// FIFO, but for waiters that were woken to compete and lost, who return to the front; no two
// queues of a bucket have the same address.
#ifndef CONC_LOCKS_PARKING_TABLE_H
#define CONC_LOCKS_PARKING_TABLE_H

#include "locks/internal_lock.h"
#include "locks/task.h"

namespace conc::detail {

enum class queue_end : std::uint8_t { back, front };

struct alignas(16) parking_bucket {
  internal_lock lock;
  task* first_queue = nullptr;
};

// The bucket of an address: the same for the whole life of the process.
parking_bucket& bucket_of(const void* address) noexcept;

// The operations on a locked bucket.
task* first_waiter(const parking_bucket& b, const void* address) noexcept;
void enqueue(parking_bucket& b, const void* address, task& t, queue_end where) noexcept;
// Takes the oldest waiter off, or null. Sets `more` to whether others remain.
task* dequeue_first(parking_bucket& b, const void* address, bool& more) noexcept;
// Takes the whole queue off, linked by next_waiter in order of arrival; null if there is none.
task* dequeue_all(parking_bucket& b, const void* address) noexcept;
void dequeue(parking_bucket& b, task& t) noexcept;

// task::withdraw for tasks in the table: takes the task off its queue if it is still in the wait
// `epoch` and the primitive's on_timeout agrees. A requeued waiter is found where it is now.
bool withdraw_from_table(task& t, std::uint32_t epoch) noexcept;

// What a primitive adds to a wait.
struct park_options {
  nanos deadline = no_deadline;
  queue_end where = queue_end::back;
  bool (*on_timeout)(task&, const void*, bool last) noexcept = nullptr;
};

// Appends a task to the locked bucket `b` for a new wait. suspend() must follow.
void begin_wait(parking_bucket& b, task& self, const void* address,
                const park_options& options) noexcept;

// publish_fn for a parked task whose only hold is the bucket passed as the argument.
void unlock_bucket(task& self, void* bucket) noexcept;

// The waiter's side. `validate` runs under the bucket's lock, must not block, and decides; on false
// park() returns at once with `slept` false. It is also the place to change the word ("somebody
// waits now") so that word and queue agree.
struct park_result {
  bool slept;
  wake_token token;
};
template <class Validate>
park_result park(task& self, const void* address, const park_options& options,
                 Validate&& validate) noexcept {
  parking_bucket& b = bucket_of(address);
  b.lock.lock();
  if (!validate()) {
    b.lock.unlock();
    return {false, wake_token::notified};
  }
  begin_wait(b, self, address, options);
  suspend(self, unlock_bucket, &b, options.deadline);
  return {true, self.token};
}

// The waker's side. `decide(waiter, more)` runs under the bucket's lock with the waiter that was
// taken off (or null if there was none); it makes the last change to the word and returns the
// token. The waiter is resumed after the lock is dropped.
template <class Decide>
void unpark_one(const void* address, Decide&& decide) noexcept {
  parking_bucket& b = bucket_of(address);
  b.lock.lock();
  bool more = false;
  task* t = dequeue_first(b, address, more);
  const wake_token token = decide(t, more);
  if (t != nullptr) t->token = token;
  b.lock.unlock();
  if (t != nullptr) resume(*t);
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_PARKING_TABLE_H
