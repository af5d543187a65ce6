// A hundred thousand threads, and a million, that wait: guarded, small, and none of them lost.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "conc/latch.h"
#include "conc/runtime.h"
#include "locks/sanitized.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "threads/guard.h"

namespace {

#if !defined(CONC_ASAN) && !defined(CONC_TSAN)

struct memory {
  long resident = conc_test::resident_kilobytes();
  long page_tables = conc_test::status_of_process("VmPTE");
};

// Parks so many at once and wakes them all; what each has taken meanwhile, in bytes.
void park(int n, double& resident, double& page_tables) {
  conc::runtime r({.processors = 2});
  std::vector<conc::thread> all(static_cast<std::size_t>(n));
  conc::latch here(n), gate(1);
  std::atomic<int> woken{0};
  r.run([] {});
  // Since before the first crowd: what that one has left is used again.
  static const memory before;
  r.run([&] {
    for (auto& t : all) {
      t = conc::thread([&] {
        here.count_down();
        gate.wait();
        ++woken;
      });
    }
    here.wait();
  });
  EXPECT_TRUE(conc_test::eventually([&] { return conc_test::parked_anywhere() >= n; }));
  const memory after;
  resident = static_cast<double>(after.resident - before.resident) * 1024 / n;
  page_tables = static_cast<double>(after.page_tables - before.page_tables) * 1024 / n;
  EXPECT_EQ(woken, 0);
  r.run([&] {
    gate.count_down();
    for (auto& t : all) t.join();
  });
  EXPECT_EQ(woken, n);
}

void expect_small(int n) {
  if (!conc::detail::guards_are_marks()) GTEST_SKIP() << "so many guards are too many mappings";
  double resident = 0, page_tables = 0;
  park(n, resident, page_tables);
  testing::Test::RecordProperty("resident_bytes", std::to_string(resident));
  testing::Test::RecordProperty("page_table_bytes", std::to_string(page_tables));
  EXPECT_LE(resident, 4.5 * 1024);
  EXPECT_LE(resident + page_tables, 5.0 * 1024);
  EXPECT_GE(resident, 4'096) << "a thread that has run has touched its stack";
}

TEST(parked_stress, a_hundred_thousand) { expect_small(100'000); }

TEST(parked_stress, a_million) {
  if (conc_test::available_kilobytes() < 8'000'000) GTEST_SKIP() << "takes 5 GB and some to spare";
  expect_small(1'000'000);
}

#else
TEST(parked_stress, a_hundred_thousand) { GTEST_SKIP() << "the sanitizers' memory drowns ours"; }
#endif

}  // namespace
