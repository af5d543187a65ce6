#include "conc/latch.h"

#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc {

using namespace detail;

void latch::wait_slow() const noexcept {
  park(current_task(), &word_, {.kind = wait_kind::latch}, [this]() noexcept {
    std::int64_t seen = word_.load(memory_order_relaxed);
    for (;;) {
      // [latch] acquire: pairs with the release in count_down().
      if (seen <= has_waiters) return word_.load(memory_order_acquire) > has_waiters;
      if (!CONC_STEP(latch_say_waiting)) return true;
      if (word_.compare_exchange_weak(seen, seen | has_waiters, memory_order_relaxed)) return true;
    }
  });
}

void latch::count_down_slow(std::int64_t n, std::int64_t after) noexcept {
  if (n < 0) fatal("a latch was counted down by a negative number", this);
  if (after < 0) fatal("a latch was counted down below zero", this);
  // Exactly one count_down() gets here, and somebody is queued: he waits without a time limit and
  // keeps the object alive until he is off the queue. From then on only the address is used.
  const void* address = &word_;
  parking_bucket& b = bucket_of(address);
  b.lock.lock();
  task* t = dequeue_all(b, address);
  for (task* i = t; i != nullptr; i = i->next_waiter) i->token = wake_token::notified;
  b.lock.unlock();
  resume_all(t);
}

void latch::begun_out_of_range() const noexcept {
  fatal("a latch was made with a count that is negative or too large", this);
}

void latch::destroyed_in_use() noexcept {
  fatal("a latch was destroyed while threads wait for it", this);
}

}  // namespace conc
