// Peterson's lock.
//
//   wants_[me]  wants_[other]  waits_   thread `me`
//   false       any            any      outside
//   true        false          any      may enter
//   true        true           other    may enter
//   true        true           me       waits
//
// Invariant: if both are past their stores, waits_ names one of them, so not both may enter.
//
// Which orders it needs. Both store to two words and then load two. (1) The store to wants_[me]
// must not be overtaken by the load of wants_[other]: else both may read false, while the other's
// `true` is still in its store buffer, and both enter. That is the store-load fence, and x86-64
// needs it as every machine does. (2) The store to waits_ must not come before the store to
// wants_[me]: else I let the other go first, he lets me, sees that I do not want to, and enters;
// only then do I want to, find that he was the last to be polite, and enter as well. Sequentially
// consistent accesses give both, in whatever way the machine does it cheapest (on x86-64, XCHG for
// the stores and plain loads). That the data inside is ordered, too, follows from release and
// acquire: who enters has read either what the other stored when he left, or that he has come back
// since.
#include "conc/peterson_lock.h"

#include "conc/detail/spin_wait.h"
#include "locks/fatal.h"
#include "locks/mutants.h"

namespace conc {

using namespace detail;

void peterson_lock::lock(unsigned me) noexcept {
  if (me > 1) fatal("a conc::peterson_lock was locked by a thread that is neither 0 nor 1", this);
  if (wants_[me].load(memory_order_relaxed)) {
    fatal("a conc::peterson_lock was locked twice in the name of one thread", this);
  }
  const unsigned other = 1 - me;
  if (CONC_STEP(peterson_store_before_load)) {
    // seq_cst: this store and, below, the load of wants_[other] must not change places.
    wants_[me].store(true, memory_order_seq_cst);
    // seq_cst: not before the store above.
    if (CONC_STEP(peterson_let_the_other)) {
      waits_.store(static_cast<unsigned char>(me), memory_order_seq_cst);
    }
  } else {
    wants_[me].store(true, memory_order_relaxed);
    waits_.store(static_cast<unsigned char>(me), memory_order_relaxed);
  }
  spin_wait wait;
  // [peterson_lock] the loads acquire: they pair with the release in unlock() and, where the other
  // has come back meanwhile, with his stores above.
  while (wants_[other].load(memory_order_seq_cst) && waits_.load(memory_order_seq_cst) == me) {
    wait.once();
  }
}

void peterson_lock::unlock(unsigned me) noexcept {
  if (me > 1 || !wants_[me].load(memory_order_relaxed)) {
    fatal("a conc::peterson_lock was unlocked by a thread that does not hold it", this);
  }
  // [peterson_lock] release: pairs with the load of wants_[other] in lock(). No fence: to be seen
  // late only makes the other wait.
  wants_[me].store(false, memory_order_release);
}

}  // namespace conc
