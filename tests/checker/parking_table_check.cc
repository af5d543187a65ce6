// The parking table's shipped source: a deadline that looks for a task while it moves on.
#include <gtest/gtest.h>

#include "checker/check.h"
#include "locks/parking_table.h"

namespace {

using namespace conc::checker;
using namespace conc::detail;

// Something to wait for. `armed` becomes the number of the wait, for a timer to end it.
struct event {
  atomic<bool> happened{false};

  wake_token await(atomic<std::uint32_t>* armed) {
    task& self = current_task();
    park_options options;
    if (armed != nullptr) options.deadline = 1;  // long ago: it may end the wait at any moment
    const park_result r = park(self, &happened, options, [&]() noexcept {
      if (happened.load(memory_order_relaxed)) return false;
      const std::uint32_t epoch = self.wait_epoch.load(memory_order_relaxed) + 1;
      if (armed != nullptr) armed->store(epoch, memory_order_relaxed);
      return true;
    });
    return r.token;
  }
  void happen() {
    happened.store(true, memory_order_relaxed);
    unpark_one(&happened, [](task*, bool) noexcept { return wake_token::notified; });
  }
};

// A task waits for two events, one after the other. The timer of its first wait finds it there,
// between the two, in the second wait or nowhere; only in the first may it end the wait.
void a_late_timer() {
  event first, second;
  atomic<std::uint32_t> armed{0};
  atomic<task*> waiter{nullptr};
  spawn([&] {
    as_user_thread();
    waiter.store(&current_task(), memory_order_release);
    first.await(&armed);
    must(second.await(nullptr) != wake_token::timed_out);
  });
  spawn([&] {
    first.happen();
    second.happen();
  });
  spawn([&] {
    task* t = waiter.load(memory_order_acquire);
    const std::uint32_t epoch = armed.load(memory_order_relaxed);
    if (t != nullptr && epoch != 0 && withdraw_from_table(*t, epoch)) resume(*t);
  });
  join_all();
}

TEST(parking_table, a_late_timer_leaves_the_next_wait_alone) {
  expect_orders_needed(a_late_timer, {});
}

TEST(parking_table, steps) {
  expect_step_needed(a_late_timer, "parking_leave_later_waits_alone", "not true");
}

}  // namespace
