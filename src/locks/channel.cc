// Channels: a ring of values, and two queues of those who wait.
//
//   count_       receivers_   senders_   send()                    recv()
//   0            empty        empty      into the ring if it has   waits
//                                        room, else waits
//   0            waiting      empty      to the oldest receiver    waits
//   0 < n < cap  empty        empty      into the ring             from the ring
//   cap          empty        empty      waits                     from the ring, if there is one
//   cap          empty        waiting    waits                     from the ring, and the oldest
//                                                                  sender's value in; with the
//                                                                  capacity 0: from that sender
// and once closed_:
//   0            empty        empty      fails                     fails
//   n > 0        empty        empty      fails                     from the ring
//
// Invariants (under the channel's lock, contested records whose wait has ended elsewhere left
// aside): nobody waits to receive unless the ring is empty, nobody waits to send unless it is full,
// never both; nobody waits once the channel is closed. So values leave in the order in which they
// came, and whoever waits is served in the order of his arrival.
//
// No wake is lost: who waits stands in the queue before the lock is released, and the lock is
// released when its registers are saved (on the next thread's stack); who comes looks at the queue
// under the lock. A value passes directly between the stacks of the two threads, once the one that
// waits is off the queue and therefore the other's alone; the lock is free by then.
//
// Destruction: the last access to a channel is the release of its lock, or comes before it; after
// that only the partner's record is used. A waiter that has been served does not look at the
// channel again. So whoever has been told that the last value has passed may destroy it.
//
// Exceptions of a move: they go to the thread whose value it is. A sender keeps its value, as the
// move left it; whoever waited for it goes on waiting, at the front. A value whose move out of the
// ring throws stays the first there, and recv() throws.
#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "locks/channel_waiter.h"
#include "locks/fatal.h"

namespace conc::detail {
namespace {

// Holds a channel's lock, which it is given held, until it is released or handed on.
class holder {
 public:
  explicit holder(internal_lock& l) noexcept : lock_(&l) {}
  ~holder() { unlock(); }
  holder(const holder&) = delete;
  holder& operator=(const holder&) = delete;
  void lock(internal_lock& l) noexcept {
    l.lock();
    lock_ = &l;
  }
  void unlock() noexcept {
    if (lock_ != nullptr) lock_->unlock();
    lock_ = nullptr;
  }
  internal_lock* hand_on() noexcept { return std::exchange(lock_, nullptr); }

 private:
  internal_lock* lock_;
};

void unlock_channel(task&, void* lock) noexcept { static_cast<internal_lock*>(lock)->unlock(); }

struct two_locks {
  internal_lock* channel;
  internal_lock* bucket;
};
void unlock_both(task&, void* argument) noexcept {
  const two_locks held = *static_cast<two_locks*>(argument);
  held.channel->unlock();
  held.bucket->unlock();  // from here on the wait may be ended, and `argument` be gone
}

// Waits in the queue; the lock, which is held, is released. False if the deadline was first.
bool wait(internal_lock* lock, channel_queue& q, channel_waiter& w, queue_end where,
          steady_nanos deadline, const channel_core* channel) noexcept {
  task& self = current_task();
  const wait_kind kind =
      w.put != nullptr ? wait_kind::channel_to_send : wait_kind::channel_to_receive;
  w.who = &self;
  append(q, w, where);
  self.wait_context = const_cast<channel_core*>(channel);  // for dumps
  if (deadline == never) {
    self.waits_for.store(kind, memory_order_relaxed);
    suspend(self, unlock_channel, lock);
    return true;
  }
  w.contest = &w;
  parking_bucket& b = bucket_of(&w);
  b.lock.lock();
  park_options options;
  options.deadline = deadline;
  options.kind = kind;
  begin_wait(b, self, &w, options);
  two_locks held{lock, &b.lock};
  if (suspend_queued(self, unlock_both, &held, deadline) != wake_token::timed_out) return true;
  internal_lock_guard guard(*lock);
  if (w.queued) remove(q, w);
  return false;
}

// What a sender whose wait has ended makes of it.
channel_status result_of(const channel_waiter& w) {
  if (w.outcome == served::failed) std::rethrow_exception(w.error);
  return w.outcome == served::closed ? channel_status::closed : channel_status::ok;
}

}  // namespace

channel_core::channel_core(std::size_t capacity, const channel_type& type)
    : capacity_(capacity), type_(type), random_(reinterpret_cast<std::uintptr_t>(this)) {
  if (capacity == 0) return;
  if (capacity > std::size_t(-1) / 2 / type.size) {
    throw std::length_error("conc::channel: capacity too great");
  }
  ring_ = static_cast<std::byte*>(
      ::operator new(type.size* capacity, std::align_val_t(type.alignment)));
}

channel_core::~channel_core() {
  if (receivers_.first != nullptr || senders_.first != nullptr) {
    fatal("a conc::channel was destroyed while threads wait at it", this);
  }
  for (; count_ > 0; --count_) {
    type_.destroy(slot(first_));
    if (++first_ == capacity_) first_ = 0;
  }
  if (ring_ != nullptr) ::operator delete(ring_, std::align_val_t(type_.alignment));
}

std::size_t channel_core::pick(std::size_t n) noexcept {
  random_ = random_ * 6364136223846793005u + 1442695040888963407u;
  return (random_ >> 33) % n;
}

channel_core::match channel_core::offer(void* value, put_fn put) {
  if (closed_) return {channel_status::closed};
  if (channel_waiter* r = take_waiter(receivers_)) return {channel_status::ok, r};
  if (count_ == capacity_) return {channel_status::would_block};
  put(slot(behind_the_last()), value_place::slot, value);
  filled();
  return {channel_status::ok};
}

// The ring has room for one: the oldest sender's value goes there. Returns the senders that are
// through with it: one, but for those whose value could not be moved.
channel_waiter* channel_core::fill_from_senders() noexcept {
  channel_waiter* done = nullptr;
  channel_waiter** end = &done;
  while (channel_waiter* s = take_waiter(senders_)) {
    *end = s;
    end = &s->next;
    *end = nullptr;
    try {
      s->put(slot(behind_the_last()), value_place::slot, s->value);
      filled();
      s->outcome = served::ok;
      break;
    } catch (...) {
      s->error = std::current_exception();
      s->outcome = served::failed;
    }
  }
  return done;
}

channel_core::match channel_core::ask(void* to, value_place where) {
  if (count_ > 0) {
    type_.take(to, where, slot(first_));
    emptied();
    const bool fill = senders_.first != nullptr && CONC_STEP(channel_fill_from_senders);
    return {channel_status::ok, nullptr, fill ? fill_from_senders() : nullptr};
  }
  if (channel_waiter* s = take_waiter(senders_)) return {channel_status::ok, s};
  return {closed_ ? channel_status::closed : channel_status::would_block};
}

void channel_core::complete_offer(const match& m, void* value, put_fn put) {
  if (m.partner == nullptr) return;
  try {
    put(m.partner->value, m.partner->where, value);
  } catch (...) {
    wake(*m.partner, served::again);
    throw;
  }
  wake(*m.partner, served::ok);
}

bool channel_core::complete_ask(const match& m, void* to, value_place where) noexcept {
  wake_all(m.released);
  if (m.partner == nullptr) return true;
  try {
    m.partner->put(to, where, m.partner->value);
  } catch (...) {
    m.partner->error = std::current_exception();
    wake(*m.partner, served::failed);
    return false;
  }
  wake(*m.partner, served::ok);
  return true;
}

channel_status channel_core::send(void* value, put_fn put, steady_nanos deadline) {
  holder held(lock_);
  for (queue_end where = queue_end::back;; where = queue_end::front) {
    const match m = offer(value, put);
    if (m.status != channel_status::would_block || deadline == at_once) {
      held.unlock();
      complete_offer(m, value, put);
      return m.status;
    }
    channel_waiter w;
    w.value = value;
    w.put = put;
    if (!wait(held.hand_on(), senders_, w, where, deadline, this)) return channel_status::timed_out;
    if (w.outcome != served::again) return result_of(w);
    held.lock(lock_);
  }
}

channel_status channel_core::recv(void* to, value_place where, steady_nanos deadline) {
  holder held(lock_);
  for (queue_end end = queue_end::back;; held.lock(lock_)) {
    const match m = ask(to, where);
    if (m.status != channel_status::would_block || deadline == at_once) {
      held.unlock();
      if (complete_ask(m, to, where)) return m.status;
      continue;
    }
    channel_waiter w;
    w.value = to;
    w.where = where;
    if (!wait(held.hand_on(), receivers_, w, end, deadline, this)) return channel_status::timed_out;
    if (w.outcome != served::again) return result_of(w);
    end = queue_end::front;
  }
}

void channel_core::close() noexcept {
  channel_waiter* all = nullptr;
  channel_waiter** end = &all;
  {
    internal_lock_guard guard(lock_);
    closed_ = true;
    for (channel_queue* q : {&receivers_, &senders_}) {
      while (channel_waiter* w = take_waiter(*q)) {
        w->outcome = served::closed;
        *end = w;
        end = &w->next;
        *end = nullptr;
      }
    }
  }
  wake_all(all);
}

std::size_t channel_core::size() const noexcept {
  internal_lock_guard guard(lock_);
  return count_;
}

}  // namespace conc::detail
