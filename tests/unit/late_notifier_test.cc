// A notifier that comes after the object is gone, when another has taken its address: it must leave
// the waiters of that one alone, who would take the wake for theirs.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "conc/atomic_wait.h"
#include "conc/event_count.h"
#include "conc/future.h"
#include "conc/thread.h"
#include "locks/kernel_task.h"
#include "locks/parking_table.h"
#include "support/crew.h"
#include "support/eventually.h"

namespace {

using namespace std::chrono_literals;
using conc::detail::bucket_of;
using conc::detail::internal_lock_guard;
using conc::detail::parking_bucket;
using conc::detail::task;
using conc::detail::wait_kind;
using conc_test::crew;
using conc_test::eventually;
using conc_test::eventually_parked;

// Somebody who waits for a semaphore at that address: a cell without a thread, which could not even
// be made to run.
class stranger {
 public:
  // The bucket is locked.
  void wait_at(const void* address) {
    address_ = address;
    conc::detail::begin_wait(bucket_of(address), task_, address, {.kind = wait_kind::semaphore});
  }
  bool still_waits() const { return task_.queued.load(); }
  // The bucket is locked.
  void leave() {
    if (still_waits()) conc::detail::dequeue(bucket_of(address_), task_);
  }
  void leave_under_lock() {
    const internal_lock_guard guard(bucket_of(address_).lock);
    leave();
  }

 private:
  task task_;
  const void* address_ = nullptr;
};

TEST(late_notifier, of_an_atomic) {
  std::atomic<int> gone{0};
  stranger other;
  {
    const internal_lock_guard guard(bucket_of(&gone).lock);
    other.wait_at(&gone);
  }
  conc::atomic_notify_one(gone);
  EXPECT_TRUE(other.still_waits());
  conc::atomic_notify_all(gone);
  EXPECT_TRUE(other.still_waits());
  other.leave_under_lock();
}

// A wait with a deadline has left its mark on the state, so the promise looks for waiters.
TEST(late_notifier, of_a_future) {
  conc::promise<int> promise;
  const conc::future<int> future = promise.get_future();
  std::atomic<const void*> word{nullptr};
  crew waiter;
  std::atomic<const task*> who{nullptr};
  waiter.users(1, [&](int) {
    who = &conc::detail::current_task();
    while (word == nullptr) static_cast<void>(future.wait_for(1ms));
  });
  ASSERT_TRUE(eventually([&] {
    const task* t = who;
    if (t == nullptr || !t->queued.load()) return false;
    const void* address = t->wait_address.load();
    const internal_lock_guard guard(bucket_of(address).lock);
    if (conc::detail::first_waiter(bucket_of(address), address) != t) return false;
    word = address;
    return true;
  }));
  waiter.join();
  stranger other;
  {
    const internal_lock_guard guard(bucket_of(word.load()).lock);
    other.wait_at(word);
  }
  promise.set_value(1);
  EXPECT_TRUE(other.still_waits());
  other.leave_under_lock();
}

// The advance has seen that somebody waits; before it gets to the bucket he has given up, and the
// address has been used again.
TEST(late_notifier, of_an_event_count) {
  conc::event_count e;
  parking_bucket& bucket = bucket_of(&e);
  crew waiter, notifier;
  stranger other;
  waiter.mixed(1, [&](int) { e.await(2); });
  ASSERT_TRUE(eventually_parked(&e, 1));
  bucket.lock.lock();
  notifier.kernels(1, [&](int) { e.advance(); });
  while (e.read() == 0) std::this_thread::yield();
  task* own = conc::detail::first_waiter(bucket, &e);
  conc::detail::dequeue(bucket, *own);
  other.wait_at(&e);
  bucket.lock.unlock();
  notifier.join();
  EXPECT_TRUE(other.still_waits());
  bucket.lock.lock();
  other.leave();
  conc::detail::enqueue(bucket, &e, *own);
  bucket.lock.unlock();
  // The mark is still there: nobody has taken the other object's word for the count.
  e.advance();
  waiter.join();
}

}  // namespace
