// What tests of the shared mutexes arrange: who is parked, and the bound on bypasses used up, after
// which a phase-fair mutex lets nobody pass.
#ifndef CONC_TESTS_SUPPORT_SHARED_MOMENTS_H
#define CONC_TESTS_SUPPORT_SHARED_MOMENTS_H

#include <gtest/gtest.h>

#include <cstdint>

#include "conc/runtime.h"
#include "conc/thread.h"
#include "support/eventually.h"

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

// How often a reader who waits is passed, at most: as bypasses_until_entry() for a writer.
template <class M>
std::uint32_t passes_until_a_reader_enters(bool by_try_lock) {
  conc::runtime one({.processors = 1});
  std::uint32_t passes = 0, at_entry = 0;
  one.run([&] {
    M m;
    m.lock();
    bool entered = false;
    conc::thread reader([&] {
      m.lock_shared();
      at_entry = passes;
      entered = true;
      m.unlock_shared();
    });
    ASSERT_TRUE(eventually([&] { return readers_parked(m) == 1; }));
    bool held = true;
    while (!entered && passes < 5 * M::max_bypass) {
      m.unlock();
      if (by_try_lock) {
        held = m.try_lock();
        if (!held) break;  // the reader is inside
      } else {
        m.lock();
      }
      if (!entered) ++passes;
    }
    if (held) m.unlock();
    reader.join();
  });
  return at_entry;
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_SHARED_MOMENTS_H
