#include <gtest/gtest.h>

#include <cstdint>
#include <mutex>

#include "conc/conc.h"
#include "support/crew.h"
#include "support/scale.h"

namespace {

// Far more threads than CPUs, and holders that leave their processor in the middle: without giving
// way this would take minutes or never end.
template <class Lock>
void crowd(int rounds_on_two_cpus = 1'000) {
  Lock lock;
  long inside = 0, entries = 0;
  const int rounds = conc_test::scaled(rounds_on_two_cpus);
  conc_test::crew crew;
  const auto work = [&](int me) {
    for (int i = 0; i < rounds; ++i) {
      const std::lock_guard guard(lock);
      ++inside;
      if ((i + me) % 50 == 0) conc::this_thread::yield();
      EXPECT_EQ(inside, 1);
      --inside;
      ++entries;
    }
  };
  crew.users(20, work).kernels(8, work).join();
  EXPECT_EQ(entries, 28L * rounds);
}

TEST(spin_locks_stress, tas_lock) { crowd<conc::tas_lock>(); }
TEST(spin_locks_stress, ttas_lock) { crowd<conc::ttas_lock>(); }
TEST(spin_locks_stress, cas_lock) { crowd<conc::cas_lock>(); }
// In its order the next in line is seldom the one that runs: each entry takes a turn of everybody.
TEST(spin_locks_stress, ticket_lock) { crowd<conc::ticket_lock>(50); }
TEST(spin_locks_stress, mcs_lock) { crowd<conc::mcs_lock>(50); }
TEST(spin_locks_stress, clh_lock) { crowd<conc::clh_lock>(50); }
TEST(spin_locks_stress, anderson_lock) { crowd<conc::anderson_lock>(50); }
TEST(spin_locks_stress, anderson_lock_with_few_places) {
  crowd<conc::basic_anderson_lock<2, std::uint8_t>>(50);
}
TEST(spin_locks_stress, two_phase_lock) { crowd<conc::two_phase_lock>(); }

struct always_spinning : conc::two_phase_lock {
  always_spinning() : two_phase_lock(conc::spin_limit::always()) {}
};
TEST(spin_locks_stress, two_phase_lock_that_never_blocks) { crowd<always_spinning>(); }

}  // namespace
