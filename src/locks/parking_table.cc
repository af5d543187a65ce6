#include "locks/parking_table.h"

#include "locks/mutants.h"

namespace conc::detail {
namespace {

// A megabyte of address space, of which the kernel backs only the pages that are used. Sixty-five
// thousand buckets keep the chains short for a million distinct addresses, so that the table never
// has to grow, which would need all its locks at once.
constexpr unsigned bucket_bits = 16;

}  // namespace

// One table a process, also when several shared objects carry the library: hence visible.
extern "C" {
[[gnu::visibility(
    "default")]] constinit parking_bucket conc_parking_table_v0[std::size_t{1} << bucket_bits] = {};
}

parking_bucket& bucket_of(const void* address) noexcept {
  // Fibonacci hashing: the high bits of the product depend on all bits of the address.
  const std::uint64_t mixed =
      static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(address)) * 0x9E3779B97F4A7C15u;
  return conc_parking_table_v0[mixed >> (64 - bucket_bits)];
}

namespace {

bool waits_for(const task& t, const void* address) noexcept {
  return t.wait_address.load(memory_order_relaxed) == address;
}

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
  old->next_queue = nullptr;
  old->last_waiter = nullptr;
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

void enqueue(parking_bucket& b, const void* address, task& t, queue_end where) noexcept {
  task** link = find_queue(b, address);
  task* head = *link;
  t.wait_address.store(address, memory_order_relaxed);
  // [parking.queued] release: pairs with the acquire in withdraw_from_table(), which must not take
  // a task that is queued at a new address for one that still is at the old.
  t.queued.store(true, memory_order_release);
  t.next_waiter = t.prev_waiter = nullptr;
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

task* dequeue_first(parking_bucket& b, const void* address, bool& more) noexcept {
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

bool withdraw_from_table(task& t, std::uint32_t epoch) noexcept {
  for (;;) {
    const void* address = t.wait_address.load(memory_order_relaxed);
    parking_bucket& b = bucket_of(address);
    internal_lock_guard guard(b.lock);
    // Under the lock of the bucket in which it is queued, a task cannot move. It may be running,
    // though, and just now append itself elsewhere: so first the flag, then the address. If it
    // moved, look again; if it is in no queue, or in another wait, there is nothing to withdraw.
    // [parking.queued] acquire: pairs with the release in enqueue().
    if (!t.queued.load(memory_order_acquire)) return false;
    if (t.wait_address.load(memory_order_relaxed) != address) continue;
    const bool meant = t.wait_epoch.load(memory_order_relaxed) == epoch;
    if (!meant && CONC_STEP(parking_leave_later_waits_alone)) return false;
    const bool last = t.prev_waiter == nullptr && t.next_waiter == nullptr;
    if (t.on_timeout != nullptr && CONC_STEP(parking_ask_before_withdrawal)) {
      if (!t.on_timeout(t, address, last)) return false;
    }
    dequeue(b, t);
    t.token = wake_token::timed_out;
    return true;
  }
}

void begin_wait(parking_bucket& b, task& self, const void* address,
                const park_options& options) noexcept {
  self.wait_epoch.store(self.wait_epoch.load(memory_order_relaxed) + 1, memory_order_relaxed);
  self.withdraw = withdraw_from_table;
  self.on_timeout = options.on_timeout;
  enqueue(b, address, self, options.where);
}

void unlock_bucket(task&, void* bucket) noexcept {
  static_cast<parking_bucket*>(bucket)->lock.unlock();
}

}  // namespace conc::detail
