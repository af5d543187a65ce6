#include "threads/join.h"

#include "locks/mutants.h"
#include "locks/random_delay.h"

namespace conc::detail {

namespace {

void publish_joiner(task& joiner, void* argument) noexcept {
  tcb& t = *static_cast<tcb*>(argument);
  CONC_RANDOM_DELAY();
  std::uintptr_t seen = tcb::join_none;
  // [join] release: pairs with the acquire in announce_end(); the joiner's saved registers are
  // visible to the one who resumes it. acquire: pairs with the release there, if it was first.
  if (!t.join.compare_exchange_strong(seen, reinterpret_cast<std::uintptr_t>(&joiner),
                                      memory_order_acq_rel, memory_order_acquire)) {
    if (CONC_STEP(join_look_again)) resume(joiner);  // ended meanwhile
  }
}

}  // namespace

void await_end(tcb& t) noexcept {
  // [join] acquire: pairs with the release in announce_end(): what the thread did is visible.
  if (t.join.load(memory_order_acquire) == tcb::join_done) return;
  task& self = current_task();
  self.withdraw = nullptr;
  self.wait_address.store(&t, memory_order_relaxed);  // for dumps
  self.waits_for.store(wait_kind::join, memory_order_relaxed);
  suspend(self, publish_joiner, &t);
  // [join] acquire: pairs with the release in announce_end().
  static_cast<void>(t.join.load(memory_order_acquire));
}

bool detach_or_reap(tcb& t) noexcept {
  std::uintptr_t seen = tcb::join_none;
  // [join] acq_rel: pairs with announce_end(), whichever comes first.
  return !t.join.compare_exchange_strong(seen, tcb::join_detached, memory_order_acq_rel,
                                         memory_order_acquire);
}

}  // namespace conc::detail
