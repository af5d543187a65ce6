// The event count.
//
//   word_ = 2 * count + has_waiters
//
// Invariants (under the bucket's lock): has_waiters is set if and only if somebody is queued in the
// parking table at this address; the queue is in the order of the values waited for.
//
//   transition                        by                                under the bucket's lock
//   count += n                        advance(), by fetch-and-add       no
//   has_waiters 0 -> 1                await(), which appends itself     yes, if count < value
//   has_waiters 1 -> 0                who takes the last waiter off:    yes
//                                     advance(), or a deadline
//
// No wake is lost: await() sets the bit in the same compare-and-swap that finds the count too
// small. So an advance() that came before it is seen, and one that comes after sees the bit, and
// locks the bucket, in which the waiter then stands. Where it finds nobody the object may be gone:
// it looks at it only while somebody is queued for an event_count, who cannot leave before the
// bucket is unlocked.
#include "conc/event_count.h"

#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"
#include "locks/ranked_queue.h"

namespace conc {

using namespace detail;

namespace {

using word = atomic<std::uint64_t>;

void clear_bit(word& w, std::uint64_t bit) noexcept { w.fetch_and(~bit, memory_order_relaxed); }

// A value that has been reached meanwhile is as good as awaited: the advance() that reached it has
// seen the bit and is on its way here.
bool leave_on_timeout(task& self, const void* address, bool last) noexcept {
  word& w = *static_cast<word*>(const_cast<void*>(address));
  if (w.load(memory_order_relaxed) / 2 >= rank_of(self) && CONC_STEP(event_count_reached_in_time)) {
    return false;
  }
  if (last && CONC_STEP(event_count_last_to_leave_clears_mark)) clear_bit(w, 1);
  return true;
}

}  // namespace

bool event_count::wait(std::uint64_t value, steady_nanos deadline) const noexcept {
  task& self = current_task();
  parking_bucket& b = bucket_of(&word_);
  CONC_GAP(event_count_look_again);
  b.lock.lock();
  std::uint64_t seen = word_.load(memory_order_relaxed);
  do {
    if (seen / 2 >= value && CONC_STEP(event_count_look_again)) {
      // [event_count] acquire: pairs with the release in advance().
      static_cast<void>(word_.load(memory_order_acquire));
      b.lock.unlock();
      return true;
    }
    if (!CONC_STEP(event_count_say_waiting)) break;
  } while (!word_.compare_exchange_weak(seen, seen | has_waiters, memory_order_relaxed));

  set_rank(self, value);
  park_options options;
  options.deadline = deadline;
  options.kind = wait_kind::event_count;
  options.on_timeout = leave_on_timeout;
  begin_wait(b, self, &word_, options);
  if (CONC_STEP(event_count_least_first)) move_to_rank(b, &word_, self);
  const wake_token token = suspend_queued(self, unlock_bucket, &b, deadline);
  self.wait_context = nullptr;
  return token != wake_token::timed_out;
}

void event_count::advance_slow(std::uint64_t before, std::uint64_t n) noexcept {
  if (n > max() - before / 2) fatal("an event_count was advanced beyond its maximum", this);
  const void* address = &word_;
  parking_bucket& b = bucket_of(address);
  task* first = nullptr;  // those whose value is reached, linked by next_waiter
  task** last = &first;
  b.lock.lock();
  if (task* t = first_waiter(b, address, wait_kind::event_count); t != nullptr) {
    // [event_count] acquire: pairs with the release in advance(), for other threads' advances that
    // we wake for; the waiters get it from us.
    const std::uint64_t count = word_.load(memory_order_acquire) / 2;
    bool more = true;
    while (more && rank_of(*t) <= count) {
      dequeue_first(b, address, more);
      t->token = wake_token::granted;
      *last = t;
      last = &t->next_waiter;
      if (more) t = first_waiter(b, address);
    }
    // The last access: the waiters go from here on.
    if (!more) clear_bit(word_, has_waiters);
  }
  b.lock.unlock();
  while (first != nullptr) {
    task* next = first->next_waiter;  // read before the waiter is free to wait elsewhere
    first->next_waiter = nullptr;
    resume(*first);
    first = next;
  }
}

void event_count::destroyed_in_use() noexcept {
  fatal("an event_count was destroyed while threads wait for it", this);
}

}  // namespace conc
