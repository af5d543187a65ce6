#include "conc/recursive_mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <system_error>

#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using MisuseDeathTest = conc_test::death_test;

template <class Mutex>
class recursive_mutex_test : public testing::Test {};
using mutexes = testing::Types<conc::recursive_mutex, conc::recursive_timed_mutex>;
TYPED_TEST_SUITE(recursive_mutex_test, mutexes);

TYPED_TEST(recursive_mutex_test, the_owner_may_lock_again_and_others_wait_for_the_last_unlock) {
  conc_test::in_both_worlds([](const char* who) {
    TypeParam m;
    int guarded = 0;
    m.lock();
    m.lock();
    EXPECT_TRUE(m.try_lock()) << who;
    crew others;
    others.mixed(2, [&](int) {
      EXPECT_FALSE(m.try_lock());
      const std::lock_guard guard(m);
      const std::lock_guard again(m);
      ++guarded;
    });
    ASSERT_TRUE(conc_test::eventually_parked(&m, 2)) << who;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(guarded, 0) << who;
      EXPECT_EQ(conc_test::parked_at(&m), 2) << who;
      m.unlock();
    }
    others.join();
    EXPECT_EQ(guarded, 2) << who;
  });
}

// The depth is plain memory: it must be seen by the next owner, on whatever thread.
TYPED_TEST(recursive_mutex_test, the_depth_goes_from_owner_to_owner) {
  TypeParam m;
  long counter = 0;
  const int rounds = conc_test::scaled(3'000);
  crew()
      .mixed(6,
             [&](int me) {
               for (int i = 0; i < rounds; ++i) {
                 const int depth = 1 + (i + me) % 4;
                 for (int k = 0; k < depth; ++k) m.lock();
                 ++counter;
                 for (int k = 0; k < depth; ++k) m.unlock();
               }
             })
      .join();
  EXPECT_EQ(counter, 6L * rounds);
}

TEST(recursive_timed_mutex, waits_with_a_deadline_and_goes_deeper_without) {
  conc::recursive_timed_mutex m;
  EXPECT_TRUE(m.try_lock_for(1ms));
  EXPECT_TRUE(m.try_lock_for(1ms));
  EXPECT_TRUE(m.try_lock_until(std::chrono::system_clock::now() - 1s)) << "it is the owner's";
  const auto fail = [&](int) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(m.try_lock_for(5ms));
    EXPECT_GE(std::chrono::steady_clock::now() - start, 5ms);
  };
  crew().users(1, fail).kernels(1, fail).join();
  for (int i = 0; i < 3; ++i) m.unlock();
  crew()
      .mixed(2,
             [&](int) {
               EXPECT_TRUE(m.try_lock_for(60s));
               m.unlock();
             })
      .join();
}

// A lock whose levels are counted in a byte.
TEST(recursive_lock, the_last_level_is_an_error_that_loses_nothing) {
  conc::detail::recursive_lock<std::uint8_t> m;
  for (int i = 0; i < 256; ++i) m.lock();
  EXPECT_FALSE(m.try_lock());
  try {
    m.lock();
    ADD_FAILURE() << "level 257 of 256";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::resource_unavailable_try_again);
  }
  crew().mixed(2, [&](int) { EXPECT_FALSE(m.try_lock()); }).join();
  for (int i = 0; i < 256; ++i) m.unlock();
  crew()
      .mixed(2,
             [&](int) {
               m.lock();
               m.unlock();
             })
      .join();
}

TEST_F(MisuseDeathTest, recursive_mutex_unlocked_by_another_thread) {
  for (const int levels : {1, 2}) {
    EXPECT_DEATH(
        {
          conc::recursive_mutex m;
          for (int i = 0; i < levels; ++i) m.lock();
          crew().users(1, [&](int) { m.unlock(); }).join();
        },
        "a mutex was unlocked by a thread that does not hold it");
  }
}

TEST_F(MisuseDeathTest, recursive_mutex_unlocked_too_often) {
  EXPECT_DEATH(
      {
        conc::recursive_mutex m;
        m.lock();
        m.lock();
        for (int i = 0; i < 3; ++i) m.unlock();
      },
      "a mutex was unlocked that nobody holds");
}

TEST_F(MisuseDeathTest, recursive_mutex_destroyed_with_a_level_left) {
  EXPECT_DEATH(
      {
        conc::recursive_timed_mutex m;
        m.lock();
        m.lock();
        m.unlock();
      },
      "a mutex was destroyed while locked");
}

}  // namespace
