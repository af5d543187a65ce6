#include "locks/parking_queue.h"

#include "locks/mutants.h"

namespace conc::detail {
namespace {

// The link that points to the queue of `address`, or the null link at the end of the chain.
task** find_queue(parking_bucket& b, const void* address) noexcept {
  task** link = &b.first_queue;
  while (*link != nullptr && !waits_for(**link, address)) link = &(*link)->next_queue;
  return link;
}

// Makes `heir` (perhaps null) the head of the queue that `link` points to.
void replace_head(task** link, task* heir) noexcept {
  task* old = *link;
  if (heir == nullptr) {
    *link = old->next_queue;
  } else {
    heir->next_queue = old->next_queue;
    heir->last_waiter = old->last_waiter;
    *link = heir;
  }
}

void unlink_head(task** link) noexcept {
  task* t = *link;
  task* heir = t->next_waiter;
  replace_head(link, heir);
  if (heir != nullptr) heir->prev_waiter = nullptr;
  t->next_waiter = nullptr;
  t->queued.store(false, memory_order_relaxed);
}

}  // namespace

task* first_waiter(const parking_bucket& b, const void* address) noexcept {
  task* t = b.first_queue;
  while (t != nullptr && !waits_for(*t, address)) t = t->next_queue;
  return t;
}

task* first_waiter(const parking_bucket& b, const void* address, wait_kind kind) noexcept {
  task* t = first_waiter(b, address);
  const bool strange = t != nullptr && t->waits_for.load(memory_order_relaxed) != kind;
  return strange && CONC_STEP(parking_late_notifier_keeps_to_its_kind) ? nullptr : t;
}

void enqueue_among_others(parking_bucket& b, const void* address, task& t,
                          queue_end where) noexcept {
  task** link = find_queue(b, address);
  task* head = *link;
  if (head == nullptr) {
    t.last_waiter = &t;
    t.next_queue = nullptr;
    *link = &t;
  } else if (where == queue_end::back) {
    t.prev_waiter = head->last_waiter;
    head->last_waiter->next_waiter = &t;
    head->last_waiter = &t;
  } else {
    t.next_waiter = head;
    head->prev_waiter = &t;
    replace_head(link, &t);
  }
}

task* dequeue_first_of_several(parking_bucket& b, const void* address, bool& more) noexcept {
  task** link = find_queue(b, address);
  task* t = *link;
  if (t == nullptr) {
    more = false;
    return nullptr;
  }
  more = t->next_waiter != nullptr;
  unlink_head(link);
  return t;
}

task* dequeue_all(parking_bucket& b, const void* address) noexcept {
  task** link = find_queue(b, address);
  task* first = *link;
  if (first == nullptr) return nullptr;
  replace_head(link, nullptr);
  for (task* t = first; t != nullptr; t = t->next_waiter) {
    t->prev_waiter = nullptr;
    t->queued.store(false, memory_order_relaxed);
  }
  return first;
}

void dequeue(parking_bucket& b, task& t) noexcept {
  if (t.prev_waiter == nullptr) {
    unlink_head(find_queue(b, t.wait_address.load(memory_order_relaxed)));
    return;
  }
  t.prev_waiter->next_waiter = t.next_waiter;
  if (t.next_waiter != nullptr) {
    t.next_waiter->prev_waiter = t.prev_waiter;
  } else {
    first_waiter(b, t.wait_address.load(memory_order_relaxed))->last_waiter = t.prev_waiter;
  }
  t.next_waiter = t.prev_waiter = nullptr;
  t.queued.store(false, memory_order_relaxed);
}

}  // namespace conc::detail
