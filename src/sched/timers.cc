#include "sched/timers.h"

#include <algorithm>

#include "locks/fatal.h"

namespace conc::detail {

void timers::sift_up(std::size_t i, entry e) noexcept {
  while (i > 0) {
    const std::size_t parent = (i - 1) / 4;
    if (heap_[parent].deadline <= e.deadline) break;
    place(i, heap_[parent]);
    i = parent;
  }
  place(i, e);
}

void timers::sift_down(std::size_t i, entry e) noexcept {
  const std::size_t n = heap_.size();
  for (;;) {
    const std::size_t first = 4 * i + 1;
    if (first >= n) break;
    std::size_t least = first;
    for (std::size_t c = first + 1; c < std::min(first + 4, n); ++c) {
      if (heap_[c].deadline < heap_[least].deadline) least = c;
    }
    if (heap_[least].deadline >= e.deadline) break;
    place(i, heap_[least]);
    i = least;
  }
  place(i, e);
}

void timers::insert(timer_node& t, nanos deadline, tcb* thread) noexcept {
  internal_lock_guard guard(lock_);
  t.heap_owner = static_cast<std::uint16_t>(owner_);
  try {
    heap_.push_back({});
  } catch (...) {
    // A wait with a deadline has no way to report this, and must not become one without.
    fatal("no memory for a timer");
  }
  sift_up(heap_.size() - 1, {deadline, &t, thread});
  publish_earliest();
}

void timers::remove_at(std::size_t i) noexcept {
  heap_[i].node->heap_index = timer_node::not_armed;
  const entry last = heap_.back();
  heap_.pop_back();
  if (i == heap_.size()) return;
  if (i > 0 && heap_[(i - 1) / 4].deadline > last.deadline) {
    sift_up(i, last);
  } else {
    sift_down(i, last);
  }
}

void timers::disarm(timer_node& t) noexcept {
  internal_lock_guard guard(lock_);
  if (t.heap_index == timer_node::not_armed) return;
  remove_at(t.heap_index);
  publish_earliest();
}

std::size_t timers::expire(nanos time, expired_wait* out, std::size_t room) noexcept {
  if (earliest() > time) return 0;
  internal_lock_guard guard(lock_);
  std::size_t found = 0;
  while (!heap_.empty() && heap_[0].deadline <= time && found < room) {
    const entry e = heap_[0];
    remove_at(0);
    if (e.thread != nullptr) {
      // The thread disarms, under this lock, before it begins its next wait: so this is the wait
      // that was meant.
      out[found++] = {e.thread, e.thread->wait_epoch.load(memory_order_relaxed),
                      e.thread->withdraw};
    } else {
      auto& callback = static_cast<callback_timer&>(*e.node);
      callback.expired(callback);
    }
  }
  publish_earliest();
  return found;
}

}  // namespace conc::detail
