// The counters of the shared mutex, four bits wide, so that they wrap all the time.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "locks/shared_core.h"
#include "support/crew.h"
#include "support/scale.h"

namespace {

using conc::rw_preference;
using conc_test::crew;
using conc_test::scaled;

template <class Preference>
class shared_counters_test : public testing::Test {};
template <rw_preference P>
using with = std::integral_constant<rw_preference, P>;
using preferences = testing::Types<with<rw_preference::phase_fair>, with<rw_preference::reader>,
                                   with<rw_preference::writer>>;
TYPED_TEST_SUITE(shared_counters_test, preferences);

TYPED_TEST(shared_counters_test, wrap_without_a_writer) {
  conc::detail::shared_core<TypeParam::value, 4> m;
  crew()
      .mixed(3,
             [&](int me) {
               for (int i = 0; i < scaled(3'000); ++i) {
                 if (me == 0) {
                   while (!m.try_lock_shared()) conc::this_thread::yield();
                 } else {
                   m.lock_shared();
                 }
                 if (i % 7 == 0) conc::this_thread::yield();
                 m.unlock_shared();
               }
             })
      .join();
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TYPED_TEST(shared_counters_test, wrap_between_writers) {
  conc::detail::shared_core<TypeParam::value, 4> m;
  long value = 0;
  std::atomic<int> readers{0};
  crew()
      .mixed(5,
             [&](int me) {
               for (int i = 0; i < scaled(3'000); ++i) {
                 const bool timed = i % 3 == 0;
                 const auto deadline = conc::detail::steady_now() + 20'000;
                 if (me == 0 || i % 16 == me) {
                   if (timed ? !m.lock_until(deadline) : (m.lock(), false)) continue;
                   EXPECT_EQ(readers, 0);
                   ++value;
                   m.unlock();
                   if (me == 0) conc::this_thread::yield();
                 } else {
                   if (timed ? !m.lock_shared_until(deadline) : (m.lock_shared(), false)) continue;
                   ++readers;
                   if (i % 5 == 0) conc::this_thread::yield();
                   --readers;
                   m.unlock_shared();
                 }
               }
             })
      .join();
  EXPECT_GT(value, 0);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

}  // namespace
