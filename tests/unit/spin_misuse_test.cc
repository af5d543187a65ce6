// What a spin lock says about its misuse: always about its destruction, and in a checked build, or
// where it costs nothing, about an unlock that is not the caller's to make.
#include <gtest/gtest.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>

#include "conc/conc.h"
#include "support/crew.h"
#include "support/death.h"

namespace {

#ifdef CONC_CHECKED
constexpr bool checked = true;
#else
constexpr bool checked = false;
#endif

template <class Lock>
constexpr const char* name_of = "";
template <>
constexpr const char* name_of<conc::tas_lock> = "tas_lock";
template <>
constexpr const char* name_of<conc::ttas_lock> = "ttas_lock";
template <>
constexpr const char* name_of<conc::cas_lock> = "cas_lock";
template <>
constexpr const char* name_of<conc::ticket_lock> = "ticket_lock";
template <>
constexpr const char* name_of<conc::basic_ticket_lock<std::uint8_t>> = "ticket_lock";
template <>
constexpr const char* name_of<conc::anderson_lock> = "anderson_lock";
template <>
constexpr const char* name_of<conc::basic_anderson_lock<1, std::uint8_t>> = "anderson_lock";
template <>
constexpr const char* name_of<conc::mcs_lock> = "mcs_lock";
template <>
constexpr const char* name_of<conc::clh_lock> = "clh_lock";

template <class Lock>
class SpinMisuseDeathTest : public conc_test::death_test {
 protected:
  static std::string said(const char* what) {
    return std::string("conc: fatal: a conc::") + name_of<Lock> + " was " + what +
           ".*object 0x.*by thread [0-9]+";
  }
};
using locks =
    testing::Types<conc::tas_lock, conc::ttas_lock, conc::cas_lock, conc::ticket_lock,
                   conc::basic_ticket_lock<std::uint8_t>, conc::anderson_lock,
                   conc::basic_anderson_lock<1, std::uint8_t>, conc::mcs_lock, conc::clh_lock>;
TYPED_TEST_SUITE(SpinMisuseDeathTest, locks);

TYPED_TEST(SpinMisuseDeathTest, destroyed_while_locked) {
  EXPECT_DEATH(
      {
        TypeParam lock;
        lock.lock();
      },
      this->said("destroyed while locked"));
  EXPECT_DEATH(conc::thread([] {
                 TypeParam lock;
                 for (int i = 0; i < 1'000; ++i) {
                   lock.lock();
                   lock.unlock();
                 }
                 lock.lock();
               }).join(),
               this->said("destroyed while locked"));
}

TYPED_TEST(SpinMisuseDeathTest, unlocked_before_it_was_ever_locked) {
  constexpr bool seen = checked || std::is_same_v<TypeParam, conc::mcs_lock> ||
                        std::is_same_v<TypeParam, conc::clh_lock>;
  if (!seen) GTEST_SKIP() << "for a checked build";
  TypeParam lock;
  EXPECT_DEATH(lock.unlock(), this->said("unlocked that nobody holds"));
}

TYPED_TEST(SpinMisuseDeathTest, unlocked_twice) {
  if (!checked && !std::is_same_v<TypeParam, conc::mcs_lock>) GTEST_SKIP() << "for a checked build";
  for (const int rounds : {1, 17, 256}) {
    EXPECT_DEATH(
        {
          TypeParam lock;
          for (int i = 0; i < rounds; ++i) {
            lock.lock();
            lock.unlock();
          }
          lock.unlock();
        },
        this->said("unlocked that nobody holds"));
  }
}

// What is no misuse is none: by the holder alone, with others waiting, and as counters wrap.
TYPED_TEST(SpinMisuseDeathTest, proper_use_says_nothing) {
  for (int round = 0; round < 20; ++round) {
    TypeParam lock;
    long entries = 0;
    conc_test::crew()
        .mixed(4,
               [&](int) {
                 for (int i = 0; i < 200; ++i) {
                   const std::lock_guard guard(lock);
                   if (i % 32 == 0) conc::this_thread::yield();
                   ++entries;
                 }
               })
        .join();
    ASSERT_EQ(entries, 800);
  }
}

using CasLockDeathTest = conc_test::death_test;

TEST_F(CasLockDeathTest, locked_by_its_holder) {
  const auto twice = [] {
    conc::cas_lock lock;
    lock.lock();
    lock.lock();
  };
  const char* const said = "a thread locked a conc::cas_lock that it already holds";
  EXPECT_DEATH(twice(), said);
  EXPECT_DEATH(conc::thread(twice).join(), said);
}

TEST_F(CasLockDeathTest, unlocked_by_another_thread) {
  if (!checked) GTEST_SKIP() << "for a checked build";
  const char* const said =
      "a conc::cas_lock was unlocked by a thread that does not hold it.*owner: thread [0-9]+";
  conc::cas_lock lock;
  EXPECT_DEATH(
      {
        lock.lock();
        std::thread([&] { lock.unlock(); }).join();
      },
      said);
  EXPECT_DEATH(
      {
        lock.lock();
        conc::thread([&] { lock.unlock(); }).join();
      },
      said);
}

using NumberedMisuseDeathTest = conc_test::death_test;

TEST_F(NumberedMisuseDeathTest, destroyed_while_locked) {
  EXPECT_DEATH(
      {
        conc::peterson_lock lock;
        lock.lock(1);
      },
      "a conc::peterson_lock was destroyed while locked");
  EXPECT_DEATH(
      {
        conc::filter_lock lock(3);
        lock.lock(2);
      },
      "a conc::filter_lock was destroyed while locked");
  EXPECT_DEATH(
      {
        conc::bakery_lock lock(3);
        lock.lock(2);
      },
      "a conc::bakery_lock was destroyed while locked");
}

}  // namespace
