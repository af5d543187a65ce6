// The signed semaphore.
//
//   value_ = permits available - committed waiters
//
// acquire() commits by subtracting one; whoever finds no permit is a committed waiter until he has
// been granted one. release(n) adds n and thereby owes min(n, committed waiters) grants, which it
// hands to queued waiters or, if they have not got that far, leaves in owed_.
//
// Invariants (under the bucket's lock): owed_ > 0 implies that the queue is empty; committed
// waiters = max(0, -value_) + grants owed, in owed_ or on their way. So a committed waiter always
// gets a grant of his own: there is nothing to steal and nothing to lose.
//
// A timeout withdraws the commitment, which is only legal while value_ < 0, that is while some
// commitment is not owed a grant yet. Otherwise every committed waiter, this one included, has a
// grant coming: he stays and takes it.
#include "conc/semaphore.h"

#include <algorithm>

#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc::detail {

bool semaphore_base::leave_on_timeout(task&, const void* address, bool) noexcept {
  auto* self = static_cast<semaphore_base*>(const_cast<void*>(address));
  std::int64_t seen = self->value_.load(memory_order_relaxed);
  while (seen < 0 || !CONC_STEP(semaphore_withdraw_only_unowed)) {
    if (self->value_.compare_exchange_weak(seen, seen + 1, memory_order_relaxed)) return true;
  }
  return false;
}

bool semaphore_base::wait(steady_nanos deadline) noexcept {
  park_options options;
  options.deadline = deadline;
  options.on_timeout = leave_on_timeout;
  const park_result slept = park(current_task(), this, options, [this]() noexcept {
    if (owed_ > 0 && CONC_STEP(semaphore_take_owed_grant)) {
      --owed_;
      return false;
    }
    return true;
  });
  return !slept.slept || slept.token != wake_token::timed_out;
}

void semaphore_base::release_slow(std::int64_t before, std::int64_t n, std::int64_t max) noexcept {
  if (n < 0) fatal("a semaphore was released by a negative number", this);
  if (before > max - n) fatal("a semaphore was released beyond its maximum", this);
  std::int64_t grants = std::min(n, -before);
  parking_bucket& b = bucket_of(this);
  task* first = nullptr;  // the granted, linked by next_waiter
  task** last = &first;
  b.lock.lock();
  for (bool more = true; grants > 0 && more; --grants) {
    task* t = dequeue_first(b, this, more);
    if (t == nullptr) break;
    t->token = wake_token::granted;
    *last = t;
    last = &t->next_waiter;
  }
  // The last access: the waiters who are owed the rest take it under this lock.
  if (grants > 0 && CONC_STEP(semaphore_owe_who_is_late)) owed_ += grants;
  b.lock.unlock();
  while (first != nullptr) {
    task* next = first->next_waiter;  // read before the waiter is free to wait elsewhere
    first->next_waiter = nullptr;
    resume(*first);
    first = next;
  }
}

void semaphore_base::destroyed_in_use() noexcept {
  fatal("a semaphore was destroyed while threads wait for it", this);
}

}  // namespace conc::detail
