#include "conc/condition_variable.h"

#include "locks/fatal.h"
#include "locks/kernel_task.h"
#include "locks/mutants.h"
#include "locks/mutex_wait.h"
#include "locks/mutex_word.h"
#include "locks/parking_table.h"

namespace conc {

using namespace detail;

namespace {

using flag = atomic<std::uint32_t>;
using word = atomic<std::uint64_t>;

bool leave_on_timeout(task&, const void* address, bool last) noexcept {
  // The waiter is still queued, so the object is alive: nobody may destroy it yet.
  if (!CONC_STEP(cv_last_to_leave_clears_mark)) return true;
  if (last || !CONC_STEP(cv_mark_stays_for_others)) {
    static_cast<flag*>(const_cast<void*>(address))->store(0, memory_order_relaxed);
  }
  return true;
}

// Whose wait_context is the word of their mutex.
bool has_a_mutex(wait_kind k) noexcept {
  return k == wait_kind::condition_variable || k == wait_kind::mesa_condition ||
         k == wait_kind::region;
}

// Only now may others run the waiter, and only then may they have the mutex: it stays locked, in
// the waiter's name, until the waiter can be found in the queue. No notification is lost between.
void publish_waiter(task& self, void* bucket) noexcept {
  word& w =
      *static_cast<word*>(self.wait_context);  // not ours to read any more once it is unlocked
  const std::uint64_t mine = mutex_word::taken_by(self);
  static_cast<parking_bucket*>(bucket)->lock.unlock();
  // Whoever has been switched to may be a waiter that was notified and is about to lock this very
  // mutex: it would find it free, if nobody else is there. It gets it from our hands, for the price
  // of one locked instruction instead of two.
  task& next = current_task();
  std::uint64_t seen = mine;
  if (&next != &self && next.wait_context == &w && next.token == wake_token::notified &&
      has_a_mutex(next.waits_for.load(memory_order_relaxed))) {
    // [mutex] acq_rel: both an unlock and the lock that follows it.
    if (w.compare_exchange_strong(seen, mutex_word::taken_by(next), memory_order_acq_rel,
                                  memory_order_relaxed)) {
      next.token = wake_token::granted;
      return;
    }
    // [mutex] release: pairs with the acquire of the next owner.
  } else if (w.compare_exchange_strong(seen, 0, memory_order_release, memory_order_relaxed)) {
    return;
  }
  release(w);
}

[[noreturn, gnu::cold]] void refuse_no_mutex(const void* address) noexcept {
  fatal("a condition_variable was waited for with a lock that has no mutex", address);
}

// Waits at `address` with the mutex `w`. Inlined, for its two callers are visible outside and would
// come here by way of a table.
[[gnu::always_inline]] inline bool wait_with(word& w, const void* address, flag& waiters,
                                             wait_kind kind, steady_nanos deadline) noexcept {
  task& self = current_task();
  if (mutex_word::owner(w.load(memory_order_relaxed)) != self.id) {
    fatal("a condition_variable was waited for with a mutex that is not held", address);
  }

  parking_bucket& b = bucket_of(address);
  b.lock.lock();
  waiters.store(1, memory_order_relaxed);
  self.wait_context = &w;
  park_options options;
  options.deadline = deadline;
  options.kind = kind;
  options.on_timeout = leave_on_timeout;
  begin_wait(b, self, address, options);
  const wake_token token = suspend_queued(self, publish_waiter, &b, deadline);
  self.wait_context = nullptr;

  if (token == wake_token::granted) return true;
  const std::uint64_t mine = mutex_word::taken_by(self);
  std::uint64_t free = 0;
  // [mutex] acquire: as in mutex::lock().
  if (token == wake_token::designated ||
      !w.compare_exchange_strong(free, mine, memory_order_acquire, memory_order_relaxed)) {
    lock_waiting(w, mine, self, token);
  }
  return token != wake_token::timed_out;
}

}  // namespace

bool condition_variable::wait_until_steady(std::unique_lock<mutex>& lock,
                                           steady_nanos deadline) noexcept {
  if (lock.mutex() == nullptr) refuse_no_mutex(this);
  return wait_with(lock.mutex()->word_, this, waiters_, wait_kind::condition_variable, deadline);
}

bool condition_variable::wait_as(wait_kind kind, std::unique_lock<mutex>& lock,
                                 steady_nanos deadline) noexcept {
  if (lock.mutex() == nullptr) refuse_no_mutex(this);
  return wait_with(lock.mutex()->word_, this, waiters_, kind, deadline);
}

void condition_variable::notify_one_slow() noexcept {
  parking_bucket& b = bucket_of(this);
  b.lock.lock();
  bool more;
  task* t = dequeue_first(b, this, more);
  if (!more || !CONC_STEP(cv_notify_keeps_mark)) waiters_.store(0, memory_order_relaxed);
  b.lock.unlock();
  if (t == nullptr) return;
  // Off the queue, the waiter is ours alone; it cannot return without its mutex, which therefore
  // is alive until we let it go there. A kernel thread is moved on to the mutex: waking it now
  // would cost a system call only to find the mutex locked. A user-level thread is made ready at
  // once: that costs less than the move, and it will hardly run before we unlock.
  if (is_kernel_thread(*t)) {
    requeue_to_mutex(*static_cast<word*>(t->wait_context), t);
  } else {
    t->token = wake_token::notified;
    resume(*t);
  }
}

void condition_variable::notify_all_slow() noexcept {
  parking_bucket& b = bucket_of(this);
  b.lock.lock();
  task* first = dequeue_all(b, this);
  waiters_.store(0, memory_order_relaxed);
  b.lock.unlock();
  // As above: kernel threads move, user-level threads are made ready. Only as many of these run at
  // once as there are processors, and mostly one gives the mutex to the next (publish_waiter).
  task* moved = nullptr;
  task** end = &moved;
  task* oldest = nullptr;  // of the user-level threads
  while (first != nullptr) {
    task& t = *first;
    first = t.next_waiter;
    if (is_kernel_thread(t)) {
      *end = &t;
      end = &t.next_waiter;
      continue;
    }
    t.token = wake_token::notified;
    if (oldest == nullptr) {
      oldest = &t;
    } else {
      resume(t);
    }
  }
  *end = nullptr;
  if (moved != nullptr) requeue_to_mutex(*static_cast<word*>(moved->wait_context), moved);
  if (oldest != nullptr) resume(*oldest);  // who is made ready last runs first
}

void condition_variable::destroyed_in_use() noexcept {
  fatal("a condition_variable was destroyed while threads wait for it", this);
}

}  // namespace conc
