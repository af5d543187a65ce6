#include "conc/detail/monitor_queue.h"

#include "locks/mutants.h"

namespace conc::detail {

std::size_t monitor_queue::size() const noexcept {
  std::size_t n = 0;
  for (const monitor_waiter* w = first_; w != nullptr; w = w->next) ++n;
  return n;
}

void monitor_queue::insert(monitor_waiter& w) noexcept {
  if (first_ == nullptr || last_->rank <= w.rank || !CONC_STEP(monitor_least_rank_first)) {
    w.next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = &w;
    last_ = &w;
    return;
  }
  monitor_waiter** link = &first_;
  while ((*link)->rank <= w.rank) link = &(*link)->next;
  w.next = *link;
  *link = &w;
}

monitor_waiter* monitor_queue::take_first() noexcept {
  monitor_waiter* w = first_;
  if (w != nullptr) first_ = w->next;
  return w;
}

void monitor_queue::remove(monitor_waiter& w) noexcept {
  monitor_waiter* before = nullptr;
  monitor_waiter** link = &first_;
  while (*link != &w) {
    before = *link;
    link = &before->next;
  }
  *link = w.next;
  if (last_ == &w) last_ = before;
}

}  // namespace conc::detail
