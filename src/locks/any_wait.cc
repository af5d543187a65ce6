#include "conc/detail/any_wait.h"

#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc::detail {

void any_wait::enter() noexcept {
  internal_lock_guard guard(bucket_of(&queue_).lock);
  next_ = nullptr;
  prev_ = queue_.last_;
  queue_.last_ = this;
  if (prev_ == nullptr) {
    queue_.first_.store(this, memory_order_relaxed);
  } else {
    prev_->next_ = this;
  }
  queued_ = entered_ = true;
}

void any_queue::unlink(any_wait& w) noexcept {
  if (w.prev_ == nullptr) {
    first_.store(w.next_, memory_order_relaxed);
  } else {
    w.prev_->next_ = w.next_;
  }
  (w.next_ == nullptr ? last_ : w.next_->prev_) = w.prev_;
  w.queued_ = false;
}

// Whether nobody has taken this waiter off before. If somebody has, his release() is certain.
bool any_wait::withdraw() noexcept {
  internal_lock_guard guard(bucket_of(&queue_).lock);
  if (!queued_) return false;
  queue_.unlink(*this);
  return true;
}

bool any_wait::until(steady_nanos deadline) noexcept {
  current_task().wait_context = &queue_;  // for dumps
  const bool woken =
      woken_.try_acquire() || woken_.wait_as(wait_kind::condition_variable_any, deadline);
  if (!woken && withdraw()) {
    entered_ = false;
    return false;
  }
  // Notified at the last moment: the notifier may still be about to say so, here.
  if (!woken && CONC_STEP(any_wait_for_the_notifier)) woken_.acquire();
  entered_ = false;
  return true;
}

void any_wait::leave() noexcept {
  if (!entered_) return;
  if (!withdraw()) woken_.acquire();
  entered_ = false;
}

void any_wait::interrupt() noexcept {
  if (withdraw()) woken_.release();
}

void any_queue::notify_one_slow() noexcept {
  any_wait* w;
  {
    internal_lock_guard guard(bucket_of(this).lock);
    w = first_.load(memory_order_relaxed);
    if (w == nullptr) return;
    unlink(*w);
  }
  w->woken_.release();
}

void any_queue::notify_all_slow() noexcept {
  any_wait* w;
  {
    internal_lock_guard guard(bucket_of(this).lock);
    w = first_.load(memory_order_relaxed);
    first_.store(nullptr, memory_order_relaxed);
    last_ = nullptr;
    for (any_wait* i = w; i != nullptr; i = i->next_) i->queued_ = false;
  }
  while (w != nullptr) {
    any_wait* next = w->next_;  // read before the waiter is free to go
    w->woken_.release();
    w = next;
  }
}

void any_queue::destroyed_in_use() noexcept {
  fatal("a condition_variable_any was destroyed while threads wait for it", this);
}

}  // namespace conc::detail
