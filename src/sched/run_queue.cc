#include "sched/run_queue.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "locks/fork.h"
#include "locks/random_delay.h"
#include "locks/spin_budget.h"

namespace conc::detail {

bool membarrier_works() noexcept {
#if defined(CONC_TSAN)
  return false;
#else
  static const bool works =
      syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
      syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
  return works;
#endif
}

void barrier_on_all_threads() noexcept {
  if (CONC_STEP(run_queue_membarrier)) {
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  }
}

bool run_queue::begin_theft() noexcept {
  std::uint32_t seen = attention_.load(memory_order_relaxed);
  if (ticket_in(seen) != 0) return false;
  // No two theft attempts have the same ticket, or the answer to one would let the other in. (After
  // 2^29 of them that does not matter any more.)
  std::uint32_t ticket;
  do {
    ticket = tickets_.fetch_add(first_ticket, memory_order_relaxed) + first_ticket;
  } while (ticket == 0);
  do {
    if (ticket_in(seen) != 0) return false;
    // [run_queue.symmetric] seq_cst: pairs with enter_slowly() where there is no membarrier.
  } while (!attention_.compare_exchange_weak(seen, seen | ticket, memory_order_seq_cst,
                                             memory_order_relaxed));
  CONC_RANDOM_DELAY();
  if ((seen & symmetric) == 0) {
    spin_timer courtesy(2'000);
    do {
      // [run_queue.answer] acquire: pairs with the release in wait_for_thief().
      if (acknowledged_.load(memory_order_acquire) == ticket) return true;
      CONC_CPU_RELAX();
    } while (!courtesy.expired());
    barrier_on_all_threads();
    CONC_RANDOM_DELAY();
  }
  spin_timer patience(20'000);
  // [run_queue.busy] acquire: pairs with the release in leave().
  while (busy_.load(memory_order_acquire) != 0 && CONC_STEP(run_queue_wait_for_owner)) {
    if (patience.expired()) {
      end_theft();
      sched_yield();  // the owner may need this very CPU to come out
      return false;
    }
    CONC_CPU_RELAX();
  }
  return true;
}

bool run_queue::enter_slowly() noexcept {
  check_not_forked();
  for (;;) {
    // [run_queue.attention] acquire: pairs with the release in end_theft().
    std::uint32_t seen = attention_.load(memory_order_acquire);
    if ((seen & symmetric) != 0) {
      // [run_queue.symmetric] seq_cst on both sides: Dekker with fences in the instructions.
      busy_.exchange(1, memory_order_seq_cst);
      seen = attention_.fetch_add(0, memory_order_seq_cst);
    }
    if (ticket_in(seen) == 0 || !CONC_STEP(run_queue_owner_looks)) {
      return (seen & (mail | diverted)) != 0;
    }
    wait_for_thief();
    CONC_RANDOM_DELAY();
    busy_.store(1, memory_order_relaxed);
    std::atomic_signal_fence(memory_order_seq_cst);  // as in enter()
  }
}

void run_queue::wait_for_thief() noexcept {
  leave();
  CONC_RANDOM_DELAY();
  for (unsigned looks = 1;; ++looks) {
    // [run_queue.attention] acquire: pairs with the release in end_theft().
    const std::uint32_t ticket = ticket_in(attention_.load(memory_order_acquire));
    if (ticket == 0) return;
    // [run_queue.answer] release: pairs with the acquire in begin_theft(); our last section is
    // complete for whoever sees the answer.
    acknowledged_.store(ticket, memory_order_release);
    // A thief is gone within a microsecond, unless the kernel has preempted it.
    if (looks % 256 == 0) sched_yield();
    CONC_CPU_RELAX();
  }
}

}  // namespace conc::detail
