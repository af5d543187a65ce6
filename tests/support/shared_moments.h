// What tests of the shared mutexes arrange: who is parked, and the bound on bypasses used up, after
// which a phase-fair mutex lets nobody pass.
#ifndef CONC_TESTS_SUPPORT_SHARED_MOMENTS_H
#define CONC_TESTS_SUPPORT_SHARED_MOMENTS_H

#include <cstdint>
#include <shared_mutex>

#include "support/eventually.h"
#include "support/mutex_moments.h"

namespace conc_test {

template <class M>
int writers_parked(const M& m) {
  return parked_at(&m);
}
template <class M>
int readers_parked(const M& m) {
  return parked_at(reinterpret_cast<const char*>(&m) + 1);
}

// With a reader inside and a writer parked. The last one closes the door.
template <class M>
void pass_as_reader_until_the_bound(M& m) {
  for (std::uint32_t i = 0; i < M::max_bypass; ++i) {
    m.lock_shared();
    m.unlock_shared();
  }
}

// By who holds the mutex for writing, as a user-level thread of a runtime with one processor: those
// whom it wakes cannot run meanwhile. It holds the mutex in the end, and its unlock will hand over.
template <class M>
void pass_as_writer_until_the_bound(M& m) {
  for (std::uint32_t i = 0; i < M::max_bypass; ++i) {
    m.unlock();
    m.lock();
  }
}

// How often a reader who waits is passed, at most.
template <class M>
std::uint32_t bypasses_until_a_reader_enters(bool by_try_lock) {
  return bypasses_until_entry<M, std::shared_lock<M>>(by_try_lock, readers_parked<M>);
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_SHARED_MOMENTS_H
