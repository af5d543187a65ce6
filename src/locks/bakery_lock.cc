// Lamport's bakery.
//
//   choosing  number   thread
//   false     0        outside
//   true      0        looks at the others' numbers
//   true      n        has written its own
//   false     n        waits, or is inside
//
// Invariant: whoever is inside has the least (number, index) of all whose choice is made, and who
// chooses later gets a greater number. One who is choosing has perhaps read the numbers before ours
// was there and will write one that is smaller: so we wait until his choice is made.
//
// Orders. A store and then loads of others' words, twice: `choosing` must be visible before we look
// at the numbers, else another could pass us by without waiting for our choice; our number must be
// visible before we look at the others' choices and numbers, else two could each miss the other's.
// These are the two store-load fences. The last store of the doorway must not come before the one
// of the number. All are sequentially consistent but the store in unlock(), which may be seen late.
#include "conc/bakery_lock.h"

#include <algorithm>
#include <stdexcept>

#include "conc/detail/spin_wait.h"
#include "locks/fatal.h"
#include "locks/mutants.h"

namespace conc {

using namespace detail;

bakery_lock::bakery_lock(unsigned threads) : threads_(threads) {
  if (threads == 0) throw std::invalid_argument("conc::bakery_lock: for no threads");
  customers_ = std::make_unique<customer[]>(threads);
}

bakery_lock::~bakery_lock() {
  for (unsigned i = 0; i < threads_; ++i) {
    if (customers_[i].number.load(memory_order_relaxed) != 0) {
      fatal("a conc::bakery_lock was destroyed while locked", this);
    }
  }
}

std::uint64_t bakery_lock::greatest_number() const noexcept {
  std::uint64_t greatest = 0;
  for (unsigned i = 0; i < threads_; ++i) {
    greatest = std::max(greatest, customers_[i].number.load(memory_order_seq_cst));
  }
  return greatest;
}

bool bakery_lock::is_before(unsigned other, std::uint64_t number, unsigned me) const noexcept {
  // [bakery_lock] the load acquires: it pairs with the release in unlock() and, where the other has
  // come back meanwhile, with the store of his number.
  const std::uint64_t his = customers_[other].number.load(memory_order_seq_cst);
  return his != 0 && (his < number || (his == number && other < me));
}

void bakery_lock::lock(unsigned me) noexcept {
  if (me >= threads_) fatal("a conc::bakery_lock was locked by a thread beyond its number", this);
  customer& self = customers_[me];
  if (self.number.load(memory_order_relaxed) != 0) {
    fatal("a conc::bakery_lock was locked twice in the name of one thread", this);
  }
  if (CONC_STEP(bakery_store_before_load)) {
    // seq_cst: first `choosing`, then the look at the numbers.
    self.choosing.store(true, memory_order_seq_cst);
  } else {
    self.choosing.store(true, memory_order_relaxed);
  }
  const std::uint64_t number = greatest_number() + 1;
  CONC_GAP(bakery_wait_for_the_choice);
  if (CONC_STEP(bakery_store_before_load)) {
    // seq_cst: first our number, then the look at the others.
    self.number.store(number, memory_order_seq_cst);
    self.choosing.store(false, memory_order_seq_cst);
  } else {
    self.number.store(number, memory_order_relaxed);
    self.choosing.store(false, memory_order_relaxed);
  }
  for (unsigned other = 0; other < threads_; ++other) {
    if (other == me) continue;
    spin_wait wait;
    if (CONC_STEP(bakery_wait_for_the_choice)) {
      while (customers_[other].choosing.load(memory_order_seq_cst)) wait.once();
    }
    while (is_before(other, number, me)) wait.once();
  }
}

void bakery_lock::unlock(unsigned me) noexcept {
  if (me >= threads_ || customers_[me].number.load(memory_order_relaxed) == 0) {
    fatal("a conc::bakery_lock was unlocked by a thread that does not hold it", this);
  }
  // [bakery_lock] release: pairs with the load in is_before().
  customers_[me].number.store(0, memory_order_release);
}

}  // namespace conc
