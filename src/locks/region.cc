#include "conc/region.h"

#include <mutex>

#include "conc/condition_variable.h"
#include "locks/mutants.h"
#include "locks/wait_kind.h"

namespace conc::detail {

// On the waiter's stack, and in the queue until it stops waiting, also while it is on its way in.
struct region_core::waiter {
  waiter(question asked, const void* of) noexcept : holds(asked), condition(of) {}

  question holds;
  const void* condition;
  waiter* next = nullptr;
  waiter* prev = nullptr;
  condition_variable woken_up;
  bool woken = false;  // and has not looked yet

  // For whoever is inside. An exception is the waiter's business: let him come and get it.
  bool should_look() const noexcept {
    try {
      return holds(condition);
    } catch (...) {
      return true;
    }
  }
};

// In the queue from here to the end of the scope.
class region_core::queueing {
 public:
  queueing(region_core& r, waiter& w) noexcept : region_(r), waiter_(w) {
    w.prev = r.last_;
    (w.prev != nullptr ? w.prev->next : r.first_) = &w;
    r.last_ = &w;
  }
  ~queueing() {
    waiter& w = waiter_;
    (w.prev != nullptr ? w.prev->next : region_.first_) = w.next;
    (w.next != nullptr ? w.next->prev : region_.last_) = w.prev;
  }
  queueing(const queueing&) = delete;
  queueing& operator=(const queueing&) = delete;

 private:
  region_core& region_;
  waiter& waiter_;
};

// Wakes the oldest whose condition holds. One is enough: when it leaves, or goes on waiting because
// somebody was faster, it does the same for the others.
void region_core::wake_next(const waiter* self) noexcept {
  for (waiter* w = first_; w != nullptr; w = w->next) {
    if (w == self || !w->should_look()) continue;
    if (!w->woken) w->woken_up.notify_one();
    w->woken = true;
    return;
  }
}

bool region_core::await(question holds, const void* condition, steady_nanos deadline) {
  if (holds(condition)) return true;
  std::unique_lock inside(mutex_, std::adopt_lock);
  struct keep_inside {
    std::unique_lock<mutex>& lock;
    ~keep_inside() { lock.release(); }
  } const keep{inside};
  waiter me(holds, condition);
  const queueing queued(*this, me);
  for (;;) {
    if (CONC_STEP(region_waiting_wakes_the_next)) wake_next(&me);
    me.woken = false;
    const bool in_time = me.woken_up.wait_as(wait_kind::region, inside, deadline);
    if (holds(condition)) return true;
    if (!in_time) return false;
  }
}

}  // namespace conc::detail
