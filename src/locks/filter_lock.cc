// The filter lock.
//
//   level_[me]   thread `me`
//   0            outside
//   l            is at the door of level l, or has passed it and not yet come to the next
//   n - 1        the same; having passed the last door it holds the lock
//
// A door is passed by who finds nobody else at its level or above, or finds that somebody has come
// to it after him. Invariant: at most n - l threads have passed door l and are not outside again.
// For of those at a door the one who came last passes only if nobody else is at that level or
// above; so each level has one fewer behind its door than before it.
//
// Orders: at each level, as in Peterson's lock, two stores and then the loads, which must not
// overtake them: that is the store-load fence, n - 1 of them. All accesses are sequentially
// consistent, unlock() included, so that the argument may be made about interleavings, and so that
// what holds in each interleaving (nobody else is inside) makes the data race-free as well (Boehm
// and Adve, "Foundations of the C++ concurrency memory model", 2008).
#include "conc/filter_lock.h"

#include <stdexcept>

#include "conc/detail/spin_wait.h"
#include "locks/fatal.h"
#include "locks/mutants.h"

namespace conc {

using namespace detail;

filter_lock::filter_lock(unsigned threads) : threads_(threads) {
  if (threads == 0) throw std::invalid_argument("conc::filter_lock: for no threads");
  level_ = std::make_unique<atomic<unsigned>[]>(threads);
  last_ = std::make_unique<atomic<unsigned>[]>(threads);
}

filter_lock::~filter_lock() {
  for (unsigned i = 0; i < threads_; ++i) {
    if (level_[i].load(memory_order_relaxed) != 0) {
      fatal("a conc::filter_lock was destroyed while locked", this);
    }
  }
}

bool filter_lock::somebody_at(unsigned level, unsigned me) const noexcept {
  for (unsigned i = 0; i < threads_; ++i) {
    if (i != me && level_[i].load(memory_order_seq_cst) >= level) return true;
  }
  return false;
}

void filter_lock::lock(unsigned me) noexcept {
  if (me >= threads_) fatal("a conc::filter_lock was locked by a thread beyond its number", this);
  if (level_[me].load(memory_order_relaxed) != 0) {
    fatal("a conc::filter_lock was locked twice in the name of one thread", this);
  }
  // With a single thread there is no door; but level 1 says that he is inside.
  if (threads_ == 1) return level_[me].store(1, memory_order_seq_cst);
  for (unsigned level = 1; level < threads_; ++level) {
    if (CONC_STEP(filter_store_before_load)) {
      // seq_cst: these stores and the loads below must not change places.
      level_[me].store(level, memory_order_seq_cst);
      last_[level].store(me, memory_order_seq_cst);
    } else {
      level_[me].store(level, memory_order_relaxed);
      last_[level].store(me, memory_order_relaxed);
    }
    spin_wait wait;
    while (last_[level].load(memory_order_seq_cst) == me && somebody_at(level, me)) wait.once();
  }
}

void filter_lock::unlock(unsigned me) noexcept {
  if (me >= threads_ || level_[me].load(memory_order_relaxed) == 0) {
    fatal("a conc::filter_lock was unlocked by a thread that does not hold it", this);
  }
  level_[me].store(0, memory_order_seq_cst);
}

}  // namespace conc
