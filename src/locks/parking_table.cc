#include "locks/parking_table.h"

#include "locks/mutants.h"

namespace conc::detail {

bool withdraw_from_table(task& t, std::uint32_t epoch) noexcept {
  for (;;) {
    const void* address = t.wait_address.load(memory_order_relaxed);
    parking_bucket& b = bucket_of(address);
    internal_lock_guard guard(b.lock);
    // Under the lock of the bucket in which it is queued, a task cannot move. It may be running,
    // though, and just now append itself elsewhere: so first the flag, then the address. If it
    // moved, look again; if it is in no queue, or in another wait, there is nothing to withdraw.
    // [parking.queued] acquire: pairs with the release in enqueue().
    if (!t.queued.load(memory_order_acquire)) return false;
    if (t.wait_address.load(memory_order_relaxed) != address) continue;
    const bool meant = t.wait_epoch.load(memory_order_relaxed) == epoch;
    if (!meant && CONC_STEP(parking_leave_later_waits_alone)) return false;
    const bool last = t.prev_waiter == nullptr && t.next_waiter == nullptr;
    if (t.on_timeout != nullptr && CONC_STEP(parking_ask_before_withdrawal)) {
      if (!t.on_timeout(t, address, last)) return false;
    }
    dequeue(b, t);
    t.token = wake_token::timed_out;
    return true;
  }
}

void unlock_bucket(task&, void* bucket) noexcept {
  static_cast<parking_bucket*>(bucket)->lock.unlock();
}

}  // namespace conc::detail
