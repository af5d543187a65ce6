// What a shared mutex says about misuse before it ends the process.
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "conc/shared_mutex.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"

namespace {

using SharedMisuseDeathTest = conc_test::death_test;
using conc_test::crew;

TEST_F(SharedMisuseDeathTest, locked_again_by_the_writer) {
  conc::shared_mutex m;
  EXPECT_DEATH(
      {
        m.lock();
        m.lock();
      },
      "a thread locked a shared_mutex that it already holds for writing.*object 0x");
  EXPECT_DEATH(
      {
        m.lock();
        m.lock_shared();
      },
      "a thread that holds a shared_mutex for writing locked it for reading");
}

TEST_F(SharedMisuseDeathTest, unlocked_by_nobody) {
  conc::shared_timed_mutex m;
  EXPECT_DEATH(m.unlock(), "a shared_mutex was unlocked that nobody holds for writing");
  EXPECT_DEATH(m.unlock_shared(), "a shared_mutex was unlocked by a reader although nobody reads");
}

TEST_F(SharedMisuseDeathTest, unlocked_by_another_thread) {
  conc::shared_mutex m;
  const auto by_another = [&](bool user) {
    m.lock();
    const auto unlock = [&](int) { m.unlock(); };
    user ? crew().users(1, unlock).join() : crew().kernels(1, unlock).join();
  };
  EXPECT_DEATH(by_another(true), "unlocked by a thread that does not hold it.*owner: thread [0-9]");
  EXPECT_DEATH(by_another(false), "unlocked by a thread that does not hold it.*owner: thread");
}

TEST_F(SharedMisuseDeathTest, destroyed_in_use) {
  EXPECT_DEATH(
      {
        conc::shared_mutex m;
        m.lock();
      },
      "a shared_mutex was destroyed while locked.*owner: thread");
  EXPECT_DEATH(
      {
        conc::shared_timed_mutex m;
        m.lock_shared();
      },
      "a shared_mutex was destroyed while threads read or wait");
}

}  // namespace
