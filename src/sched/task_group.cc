#include "conc/task_group.h"

#include <mutex>

#include "conc/detail/stop_request.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc {

using namespace detail;

void task_group::child_done() noexcept {
  // [task_group] release: pairs with the acquire in wait(). acquire: pairs with the releases of the
  // other children, which the last one passes on to the owner that it wakes.
  if (word_.fetch_sub(one_child, memory_order_acq_rel) != one_child + owner_waits) return;
  // The owner is in the table, or on its way there, and keeps the group alive until it is off its
  // queue. From there on only the address is used.
  unpark_one(&word_, [](task*, bool) noexcept { return wake_token::notified; });
}

void task_group::wait_slow() noexcept {
  park(current_task(), &word_, {.kind = wait_kind::task_group}, [this]() noexcept {
    // Said under the bucket's lock: the last child, which sees it, finds the owner in the queue.
    std::int64_t seen = word_.load(memory_order_relaxed);
    do {
      // [task_group] acquire: pairs with the release in child_done().
      if (seen == 0) return word_.load(memory_order_acquire) != 0;
    } while (!word_.compare_exchange_weak(seen, seen | owner_waits, memory_order_relaxed));
    return true;
  });
  word_.store(0, memory_order_relaxed);
}

void task_group::child_failed(std::exception_ptr e) noexcept {
  std::stop_source stop{std::nostopstate};
  {
    const std::lock_guard guard(lock_);
    if (failure_ == nullptr) failure_ = std::move(e);
    stop_requested_ = true;
    stop = stop_;
  }
  stopped_.store(true, memory_order_relaxed);
  detail::request_stop(stop);  // calls the program's functions: not under a lock
}

std::stop_token task_group::get_stop_token() {
  const std::lock_guard guard(lock_);
  if (!stop_.stop_possible()) {
    stop_ = std::stop_source();
    if (stop_requested_) stop_.request_stop();
  }
  return stop_.get_token();
}

void task_group::request_stop() noexcept {
  std::stop_source stop{std::nostopstate};
  {
    const std::lock_guard guard(lock_);
    stop_requested_ = true;
    stop = stop_;
  }
  stopped_.store(true, memory_order_relaxed);
  detail::request_stop(stop);
}

void task_group::renew() {
  // All children have ended: nobody else is here.
  stopped_.store(false, memory_order_relaxed);
  stop_requested_ = false;
  stop_ = std::stop_source(std::nostopstate);
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void task_group::abandon() noexcept {
  request_stop();
  wait_slow();
}

}  // namespace conc
