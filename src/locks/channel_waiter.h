// Whoever waits at a channel: a record on his stack, in one of the channel's two queues.
//
// A record that only this channel can serve belongs to whoever takes it off the queue. The others
// are contested: the wait can also be ended by its deadline or, in a select, by another channel.
// Their owner is queued besides in the parking table, at the address of the wait, and belongs to
// whoever takes him off there: a channel that has taken off the record has to claim him first, and
// drops the record if somebody else was faster. So each wait is ended once, by one.
//
// Locks: the channel's, and while it is held, that of a bucket of the parking table.
#ifndef CONC_LOCKS_CHANNEL_WAITER_H
#define CONC_LOCKS_CHANNEL_WAITER_H

#include "conc/detail/channel_core.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc::detail {

enum class served : std::uint8_t {
  not_yet,
  ok,      // the value was handed over
  closed,  // it was not, for the channel has been closed
  again,   // whoever had it for us could not move it; look anew, from the front of the queue
  failed,  // our value could not be moved; `error` says why
};

struct channel_waiter {
  channel_waiter* next = nullptr;
  channel_waiter* prev = nullptr;
  task* who = nullptr;
  void* value = nullptr;                      // a sender's value, or where a receiver wants his
  put_fn put = nullptr;                       // a sender's
  value_place where = value_place::optional;  // a receiver's
  served outcome = served::not_yet;           // written by whoever ends the wait, before the wake
  bool queued = false;                        // guarded by the channel's lock
  const void* contest = nullptr;              // the address of the wait, if it is contested
  std::exception_ptr error;
};

inline void append(channel_queue& q, channel_waiter& w, queue_end where) noexcept {
  const bool at_front = where == queue_end::front;
  w.queued = true;
  w.next = at_front ? q.first : nullptr;
  w.prev = at_front ? nullptr : q.last;
  (w.prev != nullptr ? w.prev->next : q.first) = &w;
  (w.next != nullptr ? w.next->prev : q.last) = &w;
}

inline void remove(channel_queue& q, channel_waiter& w) noexcept {
  w.queued = false;
  (w.prev != nullptr ? w.prev->next : q.first) = w.next;
  (w.next != nullptr ? w.next->prev : q.last) = w.prev;
}

// Whether the wait of a record that was taken off its queue is ours to end.
inline bool claim(const channel_waiter& w) noexcept {
  if (w.contest == nullptr) return true;
  parking_bucket& b = bucket_of(w.contest);
  internal_lock_guard guard(b.lock);
  bool more = false;
  task* t = dequeue_first(b, w.contest, more);
  if (t == nullptr) return !CONC_STEP(channel_claim);
  t->token = wake_token::notified;
  return true;
}

// The oldest whose wait is now ours to end, or null.
inline channel_waiter* take_waiter(channel_queue& q) noexcept {
  while (channel_waiter* w = q.first) {
    remove(q, *w);
    if (claim(*w)) return w;
  }
  return nullptr;
}

// Ends a wait that is ours to end. The record is gone afterwards.
inline void wake(channel_waiter& w, served outcome) noexcept {
  task& who = *w.who;
  w.outcome = outcome;
  resume(who);
}

// The same for a list; the outcomes are there already.
inline void wake_all(channel_waiter* first) noexcept {
  while (first != nullptr) {
    channel_waiter* next = first->next;
    resume(*first->who);
    first = next;
  }
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_CHANNEL_WAITER_H
