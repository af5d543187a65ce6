// One harness for every lock that needs no argument; a type in the list is its adapter.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <type_traits>
#include <vector>

#include "conc/conc.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using conc_test::crew;
using conc_test::scaled;

static_assert(sizeof(conc::tas_lock) == 1 && sizeof(conc::ttas_lock) == 1);
static_assert(sizeof(conc::cas_lock) == 4 && sizeof(conc::ticket_lock) == 8);

// Separate stores to plain memory: two threads inside at once cannot leave it as it was.
struct witness {
  volatile int inside = 0;
  long entries = 0;

  void visit() {
    for (int i = 0; i < 10; ++i) inside = inside + 1;
    if (inside != 10) ADD_FAILURE() << "somebody else was inside: " << inside;
    for (int i = 0; i < 10; ++i) inside = inside - 1;
    ++entries;
  }
};

template <class Lock>
class lock_test : public testing::Test {};
using locks = testing::Types<conc::tas_lock, conc::ttas_lock, conc::cas_lock, conc::ticket_lock,
                             conc::two_phase_lock, conc::mutex>;
TYPED_TEST_SUITE(lock_test, locks);

// More threads than processors and CPUs, so that holders are preempted while others wait.
TYPED_TEST(lock_test, keeps_user_and_kernel_threads_apart) {
  TypeParam lock;
  witness w;
  const int rounds = scaled(3'000);
  crew()
      .mixed(6,
             [&](int me) {
               for (int i = 0; i < rounds; ++i) {
                 if (me % 3 == 0) {
                   while (!lock.try_lock()) conc::this_thread::yield();
                 } else {
                   lock.lock();
                 }
                 w.visit();
                 lock.unlock();
               }
             })
      .join();
  EXPECT_EQ(w.entries, 6L * rounds);
}

TYPED_TEST(lock_test, try_lock_tells_held_from_free) {
  TypeParam lock;
  EXPECT_TRUE(lock.try_lock());
  crew().mixed(2, [&](int) { EXPECT_FALSE(lock.try_lock()); }).join();
  lock.unlock();
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(lock.try_lock());
    lock.unlock();
  }
}

// A holder that has given its processor away while the others spin for the lock: with a single
// processor they only get on if spinning gives way to the scheduler.
TYPED_TEST(lock_test, a_single_processor_suffices) {
  conc::runtime one({.processors = 1});
  TypeParam lock;
  witness w;
  one.run([&] {
    std::vector<conc::thread> all;
    for (int i = 0; i < 4; ++i) {
      all.emplace_back([&] {
        for (int k = 0; k < scaled(100); ++k) {
          const std::lock_guard guard(lock);
          w.visit();
          conc::this_thread::yield();
          w.visit();
        }
      });
    }
    for (auto& t : all) t.join();
  });
  EXPECT_EQ(w.entries, 8L * scaled(100));
}

TEST(ticket_lock, serves_in_the_order_of_arrival) {
  conc::runtime one({.processors = 1});
  std::vector<int> order;
  one.run([&] {
    conc::ticket_lock lock;
    lock.lock();
    std::atomic<int> arrived{0};
    std::vector<conc::thread> waiters;
    for (int i = 0; i < 5; ++i) {
      waiters.emplace_back([&, i] {
        ++arrived;  // and takes its ticket before it can give way
        const std::lock_guard guard(lock);
        order.push_back(i);
      });
      ASSERT_TRUE(conc_test::eventually([&] { return arrived == i + 1; }));
    }
    lock.unlock();
    for (auto& t : waiters) t.join();
  });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(cas_lock, knows_whether_the_caller_holds_it) {
  conc_test::in_both_worlds([](const char* who) {
    conc::cas_lock lock;
    EXPECT_FALSE(lock.held_by_me()) << who;
    lock.lock();
    EXPECT_TRUE(lock.held_by_me()) << who;
    crew()
        .mixed(2,
               [&](int) {
                 EXPECT_FALSE(lock.held_by_me());
                 EXPECT_FALSE(lock.try_lock());
                 EXPECT_FALSE(lock.held_by_me());
               })
        .join();
    EXPECT_TRUE(lock.held_by_me()) << who;
    lock.unlock();
    EXPECT_FALSE(lock.held_by_me()) << who;
  });
}

}  // namespace
