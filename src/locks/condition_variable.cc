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

bool leave_on_timeout(task&, const void* address, bool last) noexcept {
  // The waiter is still queued, so the object is alive: nobody may destroy it yet.
  if (!CONC_STEP(cv_last_to_leave_clears_mark)) return true;
  if (last || !CONC_STEP(cv_mark_stays_for_others)) {
    static_cast<flag*>(const_cast<void*>(address))->store(0, memory_order_relaxed);
  }
  return true;
}

// What remains to be done once the waiter's registers are saved.
struct leaving {
  parking_bucket* bucket;
  atomic<std::uint64_t>* mutex_word;
};

// Only now may others run the waiter, and only then may they have the mutex: it stays locked, in
// the waiter's name, until the waiter can be found in the queue. No notification is lost between.
void publish_waiter(task&, void* argument) noexcept {
  const leaving l = *static_cast<leaving*>(argument);  // gone as soon as the bucket is unlocked
  l.bucket->lock.unlock();
  release(*l.mutex_word);
}

}  // namespace

bool condition_variable::wait_until_steady(std::unique_lock<mutex>& lock,
                                           steady_nanos deadline) noexcept {
  task& self = current_task();
  atomic<std::uint64_t>& word = lock.mutex()->word_;
  const std::uint64_t mine = mutex::owner_bits();
  if (mutex_word::owner(word.load(memory_order_relaxed)) != self.id) {
    fatal("a condition_variable was waited for with a mutex that is not held", this);
  }

  parking_bucket& b = bucket_of(this);
  b.lock.lock();
  waiters_.store(1, memory_order_relaxed);
  self.wait_context = &word;
  park_options options;
  options.deadline = deadline;
  options.on_timeout = leave_on_timeout;
  begin_wait(b, self, this, options);
  leaving last_steps{&b, &word};
  suspend(self, publish_waiter, &last_steps, deadline);

  const wake_token token = self.token;
  if (token != wake_token::granted) lock_waiting(word, mine, self, token);
  return token != wake_token::timed_out;
}

void condition_variable::notify_one_slow() noexcept {
  parking_bucket& b = bucket_of(this);
  b.lock.lock();
  bool more = false;
  task* t = dequeue_first(b, this, more);
  if (!more || !CONC_STEP(cv_notify_keeps_mark)) waiters_.store(0, memory_order_relaxed);
  b.lock.unlock();
  if (t == nullptr) return;
  // Off the queue, the waiter is ours alone; it cannot return without its mutex, which therefore
  // is alive until we let it go there. A kernel thread is moved on to the mutex: waking it now
  // would cost a system call only to find the mutex locked. A user-level thread is made ready at
  // once: that costs less than the move, and it will hardly run before we unlock.
  if (is_kernel_thread(*t)) {
    requeue_to_mutex(*static_cast<atomic<std::uint64_t>*>(t->wait_context), t);
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
  if (first != nullptr) {
    requeue_to_mutex(*static_cast<atomic<std::uint64_t>*>(first->wait_context), first);
  }
}

void condition_variable::destroyed_in_use() noexcept {
  fatal("a condition_variable was destroyed while threads wait for it", this);
}

}  // namespace conc
