// filter_lock: Peterson's lock for any number of threads.
#ifndef CONC_FILTER_LOCK_H
#define CONC_FILTER_LOCK_H

#include <memory>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/thread_safety.h"

namespace conc {

// n - 1 levels, each of which holds back one of those who want to pass it at the same time: so the
// last is passed by one. Each level is Peterson's lock between the one who came last and all
// others.
//
// Callers say who they are: 0 to threads() - 1, each number used by one thread at a time; any other
// number, a lock() by a number that already holds or waits, and an unlock() by one that does not
// hold end the process with a message.
// Space: 16 bytes and 8 a thread, on the heap. RMWs: none; store-load fences: 1 a level, so n - 1
// for each acquisition, and about n * n loads. FIFO: no; it starves nobody, but bypasses are not
// bounded: a thread that is slow on its way up may be overtaken any number of times. With more
// threads than CPUs: a waiter gives way after a bounded spin. Blocking: lock() spins and yields, it
// never sleeps in the kernel. There is no try_lock(). Destruction while locked ends the process,
// too.
// Source: Peterson, "Myths about the mutual exclusion problem", 1981; the name and the proof in
// Herlihy and Shavit, "The Art of Multiprocessor Programming", chapter 2.
class CONC_API CONC_CAPABILITY("mutex") filter_lock {
 public:
  // For `threads` threads, one at least: else throws std::invalid_argument. Throws std::bad_alloc.
  explicit filter_lock(unsigned threads);
  filter_lock(const filter_lock&) = delete;
  filter_lock& operator=(const filter_lock&) = delete;
  ~filter_lock();

  void lock(unsigned me) noexcept CONC_ACQUIRE();
  void unlock(unsigned me) noexcept CONC_RELEASE();

  unsigned threads() const noexcept { return threads_; }

 private:
  bool somebody_at(unsigned level, unsigned me) const noexcept;

  const unsigned threads_;
  // level_[i]: where thread i is, 0 if it does not want to enter. last_[l]: who came last to level
  // l.
  std::unique_ptr<detail::atomic<unsigned>[]> level_, last_;
};

}  // namespace conc

#endif  // CONC_FILTER_LOCK_H
