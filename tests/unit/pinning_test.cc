// runtime_options::pin_carriers: who may run where.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <vector>

#include "conc/blocking.h"
#include "conc/runtime.h"
#include "conc/thread.h"
#include "sched/topology.h"

namespace {

using conc::detail::cpus_in_order;

cpu_set_t mask_of(pid_t thread) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  EXPECT_EQ(sched_getaffinity(thread, sizeof mask, &mask), 0);
  return mask;
}
cpu_set_t mask_here() { return mask_of(0); }

bool is_only(const cpu_set_t& mask, unsigned cpu) {
  return CPU_COUNT(&mask) == 1 && CPU_ISSET(cpu, &mask);
}

TEST(pinning_test, the_order_has_every_cpu_of_the_process_once) {
  cpu_set_t seen;
  CPU_ZERO(&seen);
  const std::vector<unsigned> order = cpus_in_order();
  for (const unsigned cpu : order) CPU_SET(cpu, &seen);
  const cpu_set_t mine = mask_of(getpid());
  EXPECT_TRUE(CPU_EQUAL(&seen, &mine));
  EXPECT_EQ(order.size(), static_cast<std::size_t>(CPU_COUNT(&mine)));
}

TEST(pinning_test, each_processor_has_its_cpu) {
  const std::vector<unsigned> order = cpus_in_order();
  constexpr unsigned processors = 3;
  conc::runtime r({.processors = processors, .pin_carriers = true});
  r.run([&] {
    for (unsigned i = 0; i < processors; ++i) {
      conc::this_thread::migrate_to(i);
      // Mostly i; but on its way there the thread may have been stolen.
      const unsigned here = conc::this_thread::processor();
      EXPECT_TRUE(is_only(mask_here(), order[here % order.size()])) << here;
    }
  });
}

TEST(pinning_test, without_it_every_carrier_may_run_everywhere) {
  const cpu_set_t mine = mask_here();
  conc::runtime r({.processors = 2});
  r.run([&] {
    for (unsigned i = 0; i < 2; ++i) {
      conc::this_thread::migrate_to(i);
      const cpu_set_t there = mask_here();
      EXPECT_TRUE(CPU_EQUAL(&there, &mine)) << i;
    }
  });
}

// The CPU goes with the processor: to whoever takes it over; and the lender may go elsewhere.
TEST(pinning_test, a_section_lets_go_when_its_processor_goes) {
  const std::vector<unsigned> order = cpus_in_order();
  const cpu_set_t mine = mask_here();
  conc::runtime r({.processors = 1, .pin_carriers = true});
  r.run([&] {
    for (int round = 0; round < 3; ++round) {
      conc::blocking([&] {
        // Ends when the processor has been taken over, within some tens of microseconds.
        for (;;) {
          const cpu_set_t here = mask_here();
          if (CPU_EQUAL(&here, &mine)) break;
          sched_yield();
        }
      });
      conc::thread([&] { EXPECT_TRUE(is_only(mask_here(), order[0])); }).join();
    }
  });
}

}  // namespace
