#include "sched/timers.h"

#include <algorithm>
#include <iterator>

#include "locks/fatal.h"
#include "locks/mutants.h"

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

// Whether a carrier that is not the processor's own may take it.
bool timers::is_anybodys(const entry& e) const noexcept {
  if (e.thread == nullptr) return false;
  // [timers.leaving] acquire: pairs with the releases in arm() and saved().
  return e.thread != leaving_.load(memory_order_acquire) || !CONC_STEP(timer_spare_the_leaving);
}

std::size_t timers::expire(nanos time, expired_wait* out, std::size_t room, by who) noexcept {
  if (earliest() > time) return 0;
  internal_lock_guard guard(lock_);
  entry not_ours[8];
  std::size_t found = 0, left = 0;
  while (!heap_.empty() && heap_[0].deadline <= time && found < room &&
         left < std::size(not_ours)) {
    const entry e = heap_[0];
    remove_at(0);
    if (who == by::another && !is_anybodys(e)) {
      not_ours[left++] = e;
    } else if (e.thread != nullptr) {
      // Its lines have left the caches while it waited, and come while the heap is put in order.
      __builtin_prefetch(e.thread);
      __builtin_prefetch(&e.thread->withdraw);
      __builtin_prefetch(&e.thread->flow);
      out[found++].thread = e.thread;
    } else {
      auto& callback = static_cast<callback_timer&>(*e.node);
      callback.expired(callback);
    }
  }
  while (left > 0) {
    heap_.push_back({});  // there is room: it has just been taken off
    sift_up(heap_.size() - 1, not_ours[--left]);
  }
  publish_earliest();
  for (std::size_t i = 0; i < found; ++i) {
    // The thread disarms, under this lock, before it begins its next wait: so this is the wait
    // that was meant.
    out[i].epoch = out[i].thread->wait_epoch.load(memory_order_relaxed);
    out[i].withdraw = out[i].thread->withdraw;
  }
  return found;
}

nanos timers::next_look() noexcept {
  if (earliest() == no_deadline) return no_deadline;
  internal_lock_guard guard(lock_);
  if (heap_.empty()) return no_deadline;
  const nanos first = heap_[0].deadline;
  // The second and third rows of the heap are enough to see whether it is crowded.
  constexpr std::size_t rows = 1 + 4 + 16;
  std::size_t close = 0;
  nanos last = first;
  for (std::size_t i = 1; i < std::min(heap_.size(), rows); ++i) {
    if (heap_[i].deadline - first > slack) continue;
    ++close;
    last = std::max(last, heap_[i].deadline);
  }
  constexpr std::size_t crowd = 3;
  return close >= crowd ? last : first;
}

}  // namespace conc::detail
