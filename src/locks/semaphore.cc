// The signed semaphore.
//
//   value_ >= 0   so many permits are to be had, and nobody waits
//   value_ <  0   -value_ tasks are queued in the parking table at this address
//
// Who may change it: from a value that is not negative anybody, by compare-and-swap; from a
// negative one only the holder of the bucket's lock, who may therefore use a plain store.
//
//   transition           by                                       under the bucket's lock
//   v > 0   to v - 1     acquire                                  no
//   v >= 0  to v + n     release                                  no
//   0       to -1        acquire, which appends itself            yes, by compare-and-swap
//   v < 0   to v - 1     acquire, which appends itself            yes
//   v < 0   to v + n     release, which takes min(n, -v) waiters  yes
//   v < 0   to v + 1     a deadline, which takes its waiter off   yes
//
// So a permit that is released while somebody waits goes straight to the oldest waiter: no newcomer
// sees it, and K = 0. A waiter who has been taken off the queue has his permit; his deadline does
// not find him any more, even if he has not run yet.
#include "conc/semaphore.h"

#include <algorithm>

#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc::detail {
namespace {

// Under the bucket's lock: takes a permit after all, or counts the caller among the waiters, which
// is what it returns true for.
bool must_wait(atomic<std::int64_t>& value) noexcept {
  std::int64_t seen = value.load(memory_order_relaxed);
  while (seen >= 0) {
    const bool got = seen > 0 && CONC_STEP(semaphore_look_again);
    // [semaphore] acquire: as in try_acquire().
    if (value.compare_exchange_weak(seen, seen - 1, memory_order_acquire, memory_order_relaxed)) {
      return !got;
    }
  }
  value.store(seen - 1, memory_order_relaxed);
  return true;
}

bool leave_on_timeout(task&, const void* address, bool) noexcept {
  auto& value = *static_cast<atomic<std::int64_t>*>(const_cast<void*>(address));
  if (CONC_STEP(semaphore_uncount_who_leaves)) {
    value.store(value.load(memory_order_relaxed) + 1, memory_order_relaxed);
  }
  return true;
}

// Takes the `n` oldest waiters off, linked by next_waiter, and tells them that they have a permit.
task* take_granted(parking_bucket& b, const void* address, std::int64_t n) noexcept {
  task* first = nullptr;
  for (task** last = &first; n > 0; --n) {
    bool more;
    task* t = dequeue_first(b, address, more);
    t->token = wake_token::granted;
    *last = t;
    last = &t->next_waiter;
  }
  return first;
}

}  // namespace

void semaphore_base::wait() noexcept {
  park(current_task(), &value_, {.kind = wait_kind::semaphore},
       [this]() noexcept { return must_wait(value_); });
}

bool semaphore_base::wait_until(steady_nanos deadline) noexcept {
  return wait_as(wait_kind::semaphore, deadline);
}

bool semaphore_base::wait_as(wait_kind kind, steady_nanos deadline) noexcept {
  park_options options;
  options.deadline = deadline;
  options.kind = kind;
  options.on_timeout = leave_on_timeout;
  const park_result slept =
      park(current_task(), &value_, options, [this]() noexcept { return must_wait(value_); });
  return !slept.slept || slept.token != wake_token::timed_out;
}

void semaphore_base::release_slow(std::int64_t n, std::int64_t max) noexcept {
  if (n < 0) fatal("a semaphore was released by a negative number", this);
  const void* address = &value_;
  parking_bucket& b = bucket_of(address);
  b.lock.lock();
  const std::int64_t seen = value_.load(memory_order_relaxed);
  if (seen > max - n) fatal("a semaphore was released beyond its maximum", this);
  if (seen >= 0) {  // the last waiter has given up meanwhile
    b.lock.unlock();
    return release(n, max);
  }
  // The last access: from here on the granted are free to go, and to destroy the semaphore.
  // [semaphore] release: pairs with the acquire of whoever gets what is left over.
  value_.store(seen + n, memory_order_release);
  task* first = take_granted(b, address, std::min(n, -seen));
  b.lock.unlock();
  if (first != nullptr) resume_all(first);
}

void semaphore_base::begun_out_of_range() const noexcept {
  fatal("a semaphore was made with a value that is negative or beyond its maximum", this);
}

void semaphore_base::destroyed_in_use() noexcept {
  fatal("a semaphore was destroyed while threads wait for it", this);
}

}  // namespace conc::detail
