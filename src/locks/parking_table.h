// The parking table: tasks that wait, found by the address of what they wait for.
//
// A blocking primitive of this library is a word, a condition on it, and this table. The word says
// whether somebody waits; the table knows who. Addresses are hashed to buckets; what is inside a
// bucket is parking_queue.h's.
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
// Late notifiers: some primitives make their last change to the word before they lock the bucket
// (future, event_count, atomic_wait, shared_mutex). If nobody of theirs is queued any more it may
// be gone by then, and another object, of another kind, may be at its address and have waiters of
// its own, who would take the wake for theirs. So a late notifier takes those of its own kind only
// (unpark_all(), unpark_oldest(), first_waiter() with a kind); all waiters of one address are of
// one kind. The kinds themselves expect a wake that was meant for an earlier object of the same
// kind.
//
// Deadlines: a waiter whose time has come is taken off its queue under the lock of the bucket
// (withdraw_from_table), if it is still in the wait that was meant. Waits are told apart by an
// epoch, which counts up at both ends of a wait with a deadline; waits without one need no number,
// because nobody withdraws them.
#ifndef CONC_LOCKS_PARKING_TABLE_H
#define CONC_LOCKS_PARKING_TABLE_H

#include "locks/mutants.h"
#include "locks/parking_queue.h"
#include "locks/random_delay.h"

namespace conc::detail {

// A megabyte of address space, of which the kernel backs only the pages that are used. Sixty-five
// thousand buckets keep the chains short for a million distinct addresses, so that the table never
// has to grow, which would need all its locks at once.
inline constexpr unsigned parking_bucket_bits = 16;

// One table a process, also when several shared objects carry a copy of the library each: visible,
// and inline, which makes it a unique symbol to the dynamic linker (compiled by g++), even among
// objects that were loaded without sharing their names. The slab of tasks and the thread_local are
// unique in the same way; the rest of the library may exist several times.
extern "C" {
[[gnu::visibility("default")]] inline constinit parking_bucket
    conc_parking_table_v0[std::size_t{1} << parking_bucket_bits] = {};
}

// The bucket of an address: the same for the whole life of the process. Addresses that differ in
// their last two bits only share a bucket: so an object of four bytes or more can have up to four
// queues, at its address and the three that follow it, and change them all under one lock.
inline parking_bucket& bucket_of(const void* address) noexcept {
  // Fibonacci hashing: the high bits of the product depend on all bits of the address.
  const std::uint64_t mixed =
      static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(address) >> 2) *
      0x9E3779B97F4A7C15u;
  return conc_parking_table_v0[mixed >> (64 - parking_bucket_bits)];
}

// task::withdraw for tasks in the table: takes the task off its queue if it is still in the wait
// `epoch` and the primitive's on_timeout agrees. A requeued waiter is found where it is now.
bool withdraw_from_table(task& t, std::uint32_t epoch) noexcept;

// Asked, under the bucket's lock, whether a waiter whose deadline has passed may leave the queue of
// `address`; adjusts the object's word for it. `last` says that the queue would be empty then.
using timeout_fn = bool (*)(task& self, const void* address, bool last) noexcept;

// What a primitive adds to a wait.
struct park_options {
  nanos deadline = no_deadline;
  queue_end where = queue_end::back;
  timeout_fn on_timeout = nullptr;
  wait_kind kind = wait_kind::object;
};

inline void next_epoch(task& self) noexcept {
  self.wait_epoch.store(self.wait_epoch.load(memory_order_relaxed) + 1, memory_order_relaxed);
}

// Appends a task to the locked bucket `b` for a new wait. suspend_queued() must follow.
inline void begin_wait(parking_bucket& b, task& self, const void* address,
                       const park_options& options) noexcept {
  if (options.deadline != no_deadline) [[unlikely]] {
    next_epoch(self);
    self.withdraw = withdraw_from_table;
    self.on_timeout = options.on_timeout;
  }
  self.waits_for.store(options.kind, memory_order_relaxed);
  enqueue(b, address, self, options.where);
}
// A timer that has expired but not been dealt with yet must not end this task's next wait.
inline void end_wait(task& self, nanos deadline) noexcept {
  if (deadline != no_deadline && CONC_STEP(parking_end_of_a_timed_wait)) [[unlikely]]
    next_epoch(self);
}

// Suspends a task that begin_wait() has queued; `publish` is what releases the bucket. Returns what
// the waker said.
inline wake_token suspend_queued(task& self, publish_fn publish, void* argument,
                                 nanos deadline) noexcept {
  suspend(self, publish, argument, deadline);
  end_wait(self, deadline);
  return self.token;
}

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
inline park_result park(task& self, const void* address, const park_options& options,
                        Validate&& validate) noexcept {
  parking_bucket& b = bucket_of(address);
  CONC_RANDOM_DELAY();
  b.lock.lock();
  if (!validate()) {
    b.lock.unlock();
    return {false, wake_token::notified};
  }
  begin_wait(b, self, address, options);
  return {true, suspend_queued(self, unlock_bucket, &b, options.deadline)};
}

// The waker's side. `decide(waiter, more)` runs under the bucket's lock with the waiter that was
// taken off (or null if there was none); it makes the last change to the word and returns the
// token. The waiter is resumed after the lock is dropped.
template <class Decide>
inline void unpark_one(const void* address, Decide&& decide) noexcept {
  parking_bucket& b = bucket_of(address);
  CONC_RANDOM_DELAY();
  b.lock.lock();
  bool more = false;
  task* t = dequeue_first(b, address, more);
  const wake_token token = decide(t, more);
  if (t != nullptr) t->token = token;
  b.lock.unlock();
  CONC_RANDOM_DELAY();
  if (t != nullptr) resume(*t);
}

// Wakes all who wait for a kind of object at an address where it may have been replaced.
inline void unpark_all(const void* address, wait_kind kind) noexcept {
  parking_bucket& b = bucket_of(address);
  CONC_RANDOM_DELAY();
  b.lock.lock();
  task* waiters = first_waiter(b, address, kind);
  if (waiters != nullptr) waiters = dequeue_all(b, address);
  for (task* t = waiters; t != nullptr; t = t->next_waiter) t->token = wake_token::notified;
  b.lock.unlock();
  resume_all(waiters);
}

// The same for the oldest.
inline void unpark_oldest(const void* address, wait_kind kind) noexcept {
  parking_bucket& b = bucket_of(address);
  CONC_RANDOM_DELAY();
  b.lock.lock();
  task* t = first_waiter(b, address, kind);
  bool more;
  if (t != nullptr) {
    dequeue_first(b, address, more);
    t->token = wake_token::notified;
  }
  b.lock.unlock();
  CONC_RANDOM_DELAY();
  if (t != nullptr) resume(*t);
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_PARKING_TABLE_H
