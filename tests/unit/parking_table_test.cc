#include "locks/parking_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <vector>

#include "conc/channel.h"
#include "conc/condition_variable.h"
#include "conc/event_count.h"
#include "conc/future.h"
#include "conc/mutex.h"
#include "conc/select.h"
#include "conc/semaphore.h"
#include "conc/shared_mutex.h"
#include "conc/thread.h"

namespace {

using namespace std::chrono_literals;
using conc::detail::bucket_of;
using conc::detail::dequeue;
using conc::detail::dequeue_all;
using conc::detail::dequeue_first;
using conc::detail::enqueue;
using conc::detail::first_waiter;
using conc::detail::parking_bucket;
using conc::detail::queue_end;
using conc::detail::task;
using conc::detail::wake_token;

// The operations on one bucket, without any thread: tasks are just cells here.
struct parking_table_test : testing::Test {
  parking_bucket bucket;
  std::array<task, 8> tasks;
  int a = 0, b = 0, c = 0;  // their addresses are what is waited for

  void add(const void* address, std::size_t i, queue_end where = queue_end::back) {
    enqueue(bucket, address, tasks[i], where);
  }
  // The queue from its first to its last, by the task's place in the array.
  std::vector<long> queue(const void* address) {
    std::vector<long> all;
    const task* before = nullptr;
    for (task* t = first_waiter(bucket, address); t != nullptr; t = t->next_waiter) {
      EXPECT_EQ(t->prev_waiter, before);
      EXPECT_TRUE(t->queued.load());
      EXPECT_EQ(t->wait_address.load(), address);
      before = t;
      all.push_back(t - tasks.data());
    }
    EXPECT_TRUE(before == nullptr || first_waiter(bucket, address)->last_waiter == before);
    return all;
  }
  using list = std::vector<long>;
};

TEST_F(parking_table_test, a_queue_is_first_in_first_out) {
  bool more = true;
  EXPECT_EQ(dequeue_first(bucket, &a, more), nullptr);
  EXPECT_FALSE(more);
  for (std::size_t i = 0; i < 3; ++i) add(&a, i);
  EXPECT_EQ(queue(&a), (list{0, 1, 2}));
  EXPECT_EQ(dequeue_first(bucket, &a, more), &tasks[0]);
  EXPECT_TRUE(more);
  EXPECT_FALSE(tasks[0].queued.load());
  EXPECT_EQ(dequeue_first(bucket, &a, more), &tasks[1]);
  EXPECT_TRUE(more);
  EXPECT_EQ(dequeue_first(bucket, &a, more), &tasks[2]);
  EXPECT_FALSE(more);
  EXPECT_EQ(bucket.first_queue, nullptr);
}

TEST_F(parking_table_test, who_was_woken_and_lost_returns_to_the_front) {
  add(&a, 0);
  add(&a, 1, queue_end::front);
  add(&a, 2, queue_end::front);
  add(&a, 3);
  EXPECT_EQ(queue(&a), (list{2, 1, 0, 3}));
}

TEST_F(parking_table_test, addresses_share_a_bucket_and_no_queue) {
  add(&a, 0);
  add(&b, 1);
  add(&a, 2);
  add(&c, 3);
  add(&b, 4);
  EXPECT_EQ(queue(&a), (list{0, 2}));
  EXPECT_EQ(queue(&b), (list{1, 4}));
  EXPECT_EQ(queue(&c), (list{3}));
  bool more = false;
  EXPECT_EQ(dequeue_first(bucket, &b, more), &tasks[1]);
  EXPECT_EQ(dequeue_first(bucket, &b, more), &tasks[4]);
  EXPECT_EQ(queue(&a), (list{0, 2}));
  EXPECT_EQ(queue(&c), (list{3}));
  add(&b, 5);
  EXPECT_EQ(queue(&b), (list{5}));
}

TEST_F(parking_table_test, anybody_can_leave_from_the_middle) {
  for (std::size_t i = 0; i < 5; ++i) add(&a, i);
  add(&b, 5);
  dequeue(bucket, tasks[2]);
  EXPECT_EQ(queue(&a), (list{0, 1, 3, 4}));
  dequeue(bucket, tasks[0]);
  EXPECT_EQ(queue(&a), (list{1, 3, 4}));
  dequeue(bucket, tasks[4]);
  EXPECT_EQ(queue(&a), (list{1, 3}));
  add(&a, 6);
  EXPECT_EQ(queue(&a), (list{1, 3, 6}));
  for (const std::size_t i : {1, 3, 6}) dequeue(bucket, tasks[i]);
  EXPECT_EQ(queue(&a), list{});
  EXPECT_EQ(queue(&b), (list{5}));
}

TEST_F(parking_table_test, a_whole_queue_comes_off_in_order) {
  for (std::size_t i = 0; i < 4; ++i) add(&a, i);
  add(&b, 4);
  std::vector<long> taken;
  for (task* t = dequeue_all(bucket, &a); t != nullptr; t = t->next_waiter) {
    EXPECT_FALSE(t->queued.load());
    taken.push_back(t - tasks.data());
  }
  EXPECT_EQ(taken, (list{0, 1, 2, 3}));
  EXPECT_EQ(dequeue_all(bucket, &a), nullptr);
  EXPECT_EQ(queue(&b), (list{4}));
}

TEST(parking_table, the_four_addresses_of_a_word_share_a_bucket) {
  alignas(4) const char word[8] = {};
  for (int i = 1; i < 4; ++i) EXPECT_EQ(&bucket_of(word), &bucket_of(word + i));
  EXPECT_NE(&bucket_of(word), &bucket_of(word + 4));
}

TEST(parking_table, an_address_has_one_bucket_and_neighbours_have_others) {
  std::array<std::uint64_t, 1'000> words{};
  std::vector<const parking_bucket*> seen;
  for (const auto& w : words) {
    EXPECT_EQ(&bucket_of(&w), &bucket_of(&w));
    seen.push_back(&bucket_of(&w));
  }
  std::sort(seen.begin(), seen.end());
  const auto distinct = std::unique(seen.begin(), seen.end()) - seen.begin();
  EXPECT_GT(distinct, 900);
}

// withdraw_from_table(): which wait, and whether the primitive lets it go.
struct withdraw_test : testing::Test {
  int object = 0;
  task t;
  parking_bucket& bucket = bucket_of(&object);

  void begin(bool (*may_leave)(task&, const void*, bool) noexcept = nullptr) {
    bucket.lock.lock();
    conc::detail::begin_wait(bucket, t, &object, {.deadline = 1, .on_timeout = may_leave});
    bucket.lock.unlock();
  }
  std::uint32_t epoch() const { return t.wait_epoch.load(); }
  ~withdraw_test() override {
    if (t.queued.load()) dequeue(bucket, t);
  }
};

TEST_F(withdraw_test, takes_the_task_off_and_says_that_it_timed_out) {
  begin();
  EXPECT_TRUE(conc::detail::withdraw_from_table(t, epoch()));
  EXPECT_EQ(t.token, wake_token::timed_out);
  EXPECT_FALSE(t.queued.load());
  EXPECT_EQ(first_waiter(bucket, &object), nullptr);
  EXPECT_FALSE(conc::detail::withdraw_from_table(t, epoch())) << "only once";
}

TEST_F(withdraw_test, leaves_a_later_wait_alone) {
  begin();
  const std::uint32_t old = epoch();
  EXPECT_TRUE(conc::detail::withdraw_from_table(t, old));
  begin();
  EXPECT_NE(epoch(), old);
  EXPECT_FALSE(conc::detail::withdraw_from_table(t, old));
  EXPECT_TRUE(t.queued.load());
}

// A timer that was read just before the wake, and is dealt with after the next wait has begun,
// which has no deadline and therefore no number of its own.
TEST_F(withdraw_test, leaves_a_later_wait_without_a_deadline_alone) {
  begin();
  const std::uint32_t old = epoch();
  bool more = true;
  ASSERT_EQ(dequeue_first(bucket, &object, more), &t);
  conc::detail::end_wait(t, 1);
  conc::detail::begin_wait(bucket, t, &object, {});
  EXPECT_FALSE(conc::detail::withdraw_from_table(t, old));
  EXPECT_TRUE(t.queued.load());
}

TEST_F(withdraw_test, asks_the_primitive) {
  begin([](task&, const void*, bool last) noexcept { return !last; });
  EXPECT_FALSE(conc::detail::withdraw_from_table(t, epoch()));
  EXPECT_TRUE(t.queued.load());
}

// Every timed wait counts up at both of its ends: else a timer that expires in the moment of its
// wake could end the next wait of the thread, which may be a lock() without a deadline.
TEST(timed_waits, leave_no_number_that_an_old_timer_could_mean) {
  conc::condition_variable cv;
  conc::timed_mutex held;
  const std::lock_guard keep(held);
  conc::shared_timed_mutex shared;
  const std::lock_guard keep_shared(shared);
  conc::counting_semaphore<> none(0);
  conc::event_count events;
  conc::promise<int> promise;
  const conc::future<int> future = promise.get_future();
  conc::channel<int> empty(0), full(0);
  int value = 0;
  constexpr auto time = 1ms;

  const auto expect_both_ends = [](const char* name, auto wait) {
    conc::thread([&] {
      const auto& epoch = conc::detail::current_task().wait_epoch;
      const std::uint32_t before = epoch.load();
      wait();
      // 0 if the time was over before it could wait.
      EXPECT_EQ((epoch.load() - before) % 2, 0u) << name;
    }).join();
  };
  expect_both_ends("condition_variable", [&] {
    conc::mutex own;
    std::unique_lock<conc::mutex> l(own);
    EXPECT_EQ(cv.wait_for(l, time), conc::cv_status::timeout);
  });
  expect_both_ends("timed_mutex", [&] { EXPECT_FALSE(held.try_lock_for(time)); });
  expect_both_ends("writer", [&] { EXPECT_FALSE(shared.try_lock_for(time)); });
  expect_both_ends("reader", [&] { EXPECT_FALSE(shared.try_lock_shared_for(time)); });
  expect_both_ends("semaphore", [&] { EXPECT_FALSE(none.try_acquire_for(time)); });
  expect_both_ends("event_count", [&] { EXPECT_FALSE(events.await_for(1, time)); });
  expect_both_ends("future",
                   [&] { EXPECT_EQ(future.wait_for(time), std::future_status::timeout); });
  expect_both_ends("send",
                   [&] { EXPECT_EQ(full.send_for(1, time), conc::channel_status::timed_out); });
  expect_both_ends(
      "recv", [&] { EXPECT_EQ(empty.recv_for(value, time), conc::channel_status::timed_out); });
  expect_both_ends("select", [&] {
    EXPECT_EQ(conc::select_for(time, conc::on_recv(empty, [](std::optional<int>) {}),
                               conc::on_send(full, 1, [](bool) {})),
              2u);
  });
}

}  // namespace
