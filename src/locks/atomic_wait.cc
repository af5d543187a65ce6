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
  unpark_oldest(address, wait_kind::atomic);
}

void notify_all_at_address(const void* address) noexcept { unpark_all(address, wait_kind::atomic); }

}  // namespace conc::detail
