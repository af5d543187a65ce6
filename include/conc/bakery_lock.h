// bakery_lock: take a number, without any instruction that hands out numbers.
#ifndef CONC_BAKERY_LOCK_H
#define CONC_BAKERY_LOCK_H

#include <cstdint>
#include <memory>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/thread_safety.h"

namespace conc {

// Who comes looks at everybody's number and takes one that is greater; who has the smallest enters.
// Two may take the same number: then the lower index goes first. Each thread writes only words of
// its own, so the lock works even where a load that overlaps a store returns nonsense.
//
// Callers say who they are: 0 to threads() - 1, each number used by one thread at a time; any other
// number, a lock() by a number that already holds or waits, and an unlock() by one that does not
// hold end the process with a message.
// Space: 16 bytes and 16 a thread, on the heap. RMWs: none; store-load fences: 2 for each
// acquisition, and about 3 n loads. FIFO: yes, from the moment on at which the number is written;
// bypasses: K = 0. The numbers grow as long as there is always somebody inside or waiting; they
// have 64 bits.
// With more threads than CPUs: a waiter gives way after a bounded spin.
// Blocking: lock() spins and yields, it never sleeps in the kernel. There is no try_lock().
// Destruction while locked ends the process, too.
// Source: Lamport, "A new solution of Dijkstra's concurrent programming problem", 1974.
class CONC_API CONC_CAPABILITY("mutex") bakery_lock {
 public:
  // For `threads` threads, one at least: else throws std::invalid_argument. Throws std::bad_alloc.
  explicit bakery_lock(unsigned threads);
  bakery_lock(const bakery_lock&) = delete;
  bakery_lock& operator=(const bakery_lock&) = delete;
  ~bakery_lock();

  void lock(unsigned me) noexcept CONC_ACQUIRE();
  void unlock(unsigned me) noexcept CONC_RELEASE();

  unsigned threads() const noexcept { return threads_; }

 private:
  struct customer {
    detail::atomic<std::uint64_t> number{0};  // 0: does not want to enter
    detail::atomic<bool> choosing{false};
  };

  std::uint64_t greatest_number() const noexcept;
  bool is_before(unsigned other, std::uint64_t number, unsigned me) const noexcept;

  const unsigned threads_;
  std::unique_ptr<customer[]> customers_;
};

}  // namespace conc

#endif  // CONC_BAKERY_LOCK_H
