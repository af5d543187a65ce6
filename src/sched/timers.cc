#include "sched/timers.h"

#include "locks/mutants.h"

namespace conc::detail {

void timers::arm(tcb& t, nanos deadline, deadline_link& link) noexcept {
  // [timers.leaving] release: pairs with the acquire in expire(), for the thread before.
  leaving_.store(&t, memory_order_release);
  internal_lock_guard guard(lock_);
  waits_.insert({deadline, &t.timer, &t}, link);
  publish_first_wait();
}

void timers::disarm(tcb& t, deadline_link& link) noexcept {
  internal_lock_guard guard(lock_);
  if (t.timer.heap_index == timer_node::not_armed) return;
  waits_.remove(t.timer, link);
  publish_first_wait();
}

void timers::arm(callback_timer& t, nanos deadline) noexcept {
  internal_lock_guard guard(lock_);
  t.heap_owner = static_cast<std::uint16_t>(owner_);
  callbacks_.insert({deadline, &t, nullptr}, t.link);
  publish_first_callback();
}

void timers::disarm(callback_timer& t) noexcept {
  internal_lock_guard guard(lock_);
  if (t.heap_index == timer_node::not_armed) return;
  callbacks_.remove(t, t.link);
  publish_first_callback();
}

void timers::run_callbacks(nanos time) noexcept {
  internal_lock_guard guard(lock_);
  while (callbacks_.first() <= time) {
    auto& callback = static_cast<callback_timer&>(*callbacks_.first_entry().node);
    callbacks_.remove_first();
    callback.expired(callback);
  }
  publish_first_callback();
}

template <timers::by who>
std::size_t timers::expire_waits(nanos time, expired_wait* out, std::size_t room) noexcept {
  internal_lock_guard guard(lock_);
  std::size_t found = 0;
  // Who is on its way off its stack is not another's to take. There is one at most: the next to
  // leave arms its timer under this lock, and whoever has left before is not in `leaving_`.
  deadline_entry spared;
  deadline_link* spared_link = nullptr;
  bool spares = false;
  while (found < room && waits_.first() <= time) {
    tcb& t = *waits_.first_entry().thread;
    if constexpr (who == by::another) {
      // [timers.leaving] acquire: pairs with the releases in arm() and saved().
      if (leaving_.load(memory_order_acquire) == &t && CONC_STEP(timer_spare_the_leaving)) {
        spared = waits_.first_entry();
        spared_link = waits_.remove_first();
        spares = true;
        continue;
      }
    }
    // Its lines have left the caches while it waited, and come while the heap is put in order.
    __builtin_prefetch(&t);
    __builtin_prefetch(&t.withdraw);
    __builtin_prefetch(&t.flow);
    out[found++].thread = &t;
    waits_.remove_first();
  }
  if (spares && CONC_STEP(timer_put_back)) waits_.put_back(spared, spared_link);
  publish_first_wait();
  for (std::size_t i = 0; i < found; ++i) {
    // The thread disarms, under this lock, before it begins its next wait: so this is the wait
    // that was meant.
    out[i].epoch = out[i].thread->wait_epoch.load(memory_order_relaxed);
    out[i].withdraw = out[i].thread->withdraw;
  }
  return found;
}

std::size_t timers::expire(nanos time, expired_wait* out, std::size_t room, by who) noexcept {
  if (who == by::another) {
    return earliest_wait() > time ? 0 : expire_waits<by::another>(time, out, room);
  }
  if (first_callback_.load(memory_order_relaxed) <= time) [[unlikely]]
    run_callbacks(time);
  return earliest_wait() > time ? 0 : expire_waits<by::its_carrier>(time, out, room);
}

nanos timers::next_look() noexcept {
  if (earliest() == no_deadline) return no_deadline;
  internal_lock_guard guard(lock_);
  const nanos first = std::min(waits_.first(), callbacks_.first());
  if (first > no_deadline - slack) return first;
  std::size_t close = 0;
  nanos last = first;
  waits_.look_ahead(first + slack, close, last);
  callbacks_.look_ahead(first + slack, close, last);
  constexpr std::size_t crowd = 4;
  return close >= crowd ? last : first;
}

}  // namespace conc::detail
