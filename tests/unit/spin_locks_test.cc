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

static_assert(sizeof(conc::tas_lock) == 4 && sizeof(conc::ttas_lock) == 4);
static_assert(sizeof(conc::cas_lock) == 4 && sizeof(conc::ticket_lock) == 8);
static_assert(sizeof(conc::mcs_lock) == 24 && sizeof(conc::clh_lock) == 16);
static_assert(sizeof(conc::anderson_lock) == 18 * 64);

template <class Lock>
concept has_try_lock = requires(Lock l) {
  l.try_lock();
};

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
                             conc::mcs_lock, conc::clh_lock, conc::anderson_lock,
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
                 bool held = false;
                 if constexpr (has_try_lock<TypeParam>) {
                   while (me % 3 == 0 && !held) {
                     held = lock.try_lock();
                     if (!held) conc::this_thread::yield();
                   }
                 }
                 if (!held) lock.lock();
                 w.visit();
                 lock.unlock();
               }
             })
      .join();
  EXPECT_EQ(w.entries, 6L * rounds);
}

TYPED_TEST(lock_test, try_lock_tells_held_from_free) {
  if constexpr (has_try_lock<TypeParam>) {
    TypeParam lock;
    EXPECT_TRUE(lock.try_lock());
    crew().mixed(2, [&](int) { EXPECT_FALSE(lock.try_lock()); }).join();
    lock.unlock();
    for (int i = 0; i < 1'000; ++i) {
      ASSERT_TRUE(lock.try_lock());
      lock.unlock();
    }
  } else {
    static_assert(std::is_same_v<TypeParam, conc::clh_lock>);
  }
}

// A holder that goes on on other kernel threads while it holds the lock, and that holds several.
TYPED_TEST(lock_test, a_holder_may_migrate_and_hold_several) {
  conc::runtime two({.processors = 2});
  TypeParam three[3];
  witness w[3];
  const int rounds = scaled(300);
  two.run([&] {
    std::vector<conc::thread> all;
    for (int i = 0; i < 6; ++i) {
      all.emplace_back([&] {
        for (int k = 0; k < rounds; ++k) {
          for (auto& l : three) l.lock();
          conc::this_thread::yield();
          for (auto& each : w) each.visit();
          conc::this_thread::yield();
          for (auto& l : three) l.unlock();
        }
      });
    }
    for (auto& t : all) t.join();
  });
  for (const auto& each : w) EXPECT_EQ(each.entries, 6L * rounds);
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
