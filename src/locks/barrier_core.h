// The slow paths of the barrier, as templates: barrier.cc makes the one that is shipped, a test one
// whose phases wrap early. The word is described in conc/barrier.h.
#ifndef CONC_LOCKS_BARRIER_CORE_H
#define CONC_LOCKS_BARRIER_CORE_H

#include "conc/barrier.h"
#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc::detail {

template <unsigned PhaseBits>
void barrier_core<PhaseBits>::wait_slow(std::uint32_t of) const noexcept {
  park(current_task(), &word_, {.kind = wait_kind::barrier}, [&]() noexcept {
    std::uint64_t seen = word_.load(memory_order_relaxed);
    for (;;) {
      // [barrier] acquire: pairs with the release in end_phase().
      if (phase(seen) != of) return phase(word_.load(memory_order_acquire)) == of;
      if (!CONC_STEP(barrier_say_waiting)) return true;
      if (word_.compare_exchange_weak(seen, seen | has_waiters, memory_order_relaxed)) return true;
    }
  });
}

template <unsigned PhaseBits>
void barrier_core<PhaseBits>::end_phase_slow() noexcept {
  const void* address = &word_;
  parking_bucket& b = bucket_of(address);
  b.lock.lock();
  // Everybody has arrived and has_waiters changes under this lock only: a store suffices.
  // [barrier] release: pairs with the acquire in has_ended().
  word_.store(next_phase(word_.load(memory_order_relaxed)), memory_order_release);
  task* waiters = dequeue_all(b, address);
  for (task* t = waiters; t != nullptr; t = t->next_waiter) t->token = wake_token::notified;
  b.lock.unlock();
  resume_all(waiters);
}

template <unsigned PhaseBits>
void barrier_core<PhaseBits>::too_many_arrivals(std::int64_t n) const noexcept {
  if (n <= 0) fatal("a barrier was arrived at by a number that is not positive", this);
  fatal("a barrier has more arrivals than it expects", this);
}

template <unsigned PhaseBits>
void barrier_core<PhaseBits>::begun_out_of_range() const noexcept {
  fatal("a barrier was made for a number that is negative or too large", this);
}

template <unsigned PhaseBits>
void barrier_core<PhaseBits>::destroyed_in_use() const noexcept {
  fatal("a barrier was destroyed while threads wait for it", this);
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_BARRIER_CORE_H
