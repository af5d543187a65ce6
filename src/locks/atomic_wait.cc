#include "conc/atomic_wait.h"

#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc::detail {

// The parking table's protocol without a bit for "somebody waits": a notifier always takes the
// bucket's lock. It has changed the atomic before; so either the waiter, who looks under the lock,
// sees the change, or the notifier finds the waiter.
void wait_at_address(const void* address, bool (*must_wait)(const void*) noexcept,
                     const void* context) noexcept {
  park(current_task(), address, {.kind = wait_kind::atomic},
       [&]() noexcept { return must_wait(context) || !CONC_STEP(atomic_wait_looks_again); });
}

void notify_one_at_address(const void* address) noexcept {
  unpark_one(address, [](task*, bool) noexcept { return wake_token::notified; });
}

void notify_all_at_address(const void* address) noexcept {
  parking_bucket& b = bucket_of(address);
  b.lock.lock();
  task* waiters = dequeue_all(b, address);
  for (task* t = waiters; t != nullptr; t = t->next_waiter) t->token = wake_token::notified;
  b.lock.unlock();
  resume_all(waiters);
}

}  // namespace conc::detail
