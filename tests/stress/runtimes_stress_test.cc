// Runtimes come and go, several at a time, each with all that it can make; nothing stays behind.
#include <gtest/gtest.h>
#include <unistd.h>

#include <span>
#include <string>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "locks/block_cost.h"
#include "locks/task_slab.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/scale.h"

namespace {

// One life of a runtime, with everything that it makes when it is needed: kernel threads for
// sections, an engine for I/O, stacks of their own sizes, fiber_locals.
void live_and_end(int i) {
  constexpr conc::queue_layout layouts[] = {conc::queue_layout::stealing,
                                            conc::queue_layout::global, conc::queue_layout::per_cpu,
                                            conc::queue_layout::per_cpu_migrating};
  conc::runtime r({.processors = 1u + static_cast<unsigned>(i) % 3, .queues = layouts[i % 4]});
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const conc::io::unique_fd out(ends[0]), in(ends[1]);
  static conc::fiber_local<std::string> mine;
  r.run([&] {
    conc::task_group g;
    for (int k = 0; k < 5; ++k) g.run([&] { mine->assign(100, 'x'); });
    g.run([&] {
      std::byte got{};
      EXPECT_EQ(conc::io::read(out.get(), std::span(&got, 1)), 1u);
    });
    conc::thread({.name = "n", .stack_size = 1 << 20}, [&] {
      conc::this_thread::yield();
      conc::blocking([&] { conc::io::write(in.get(), std::as_bytes(std::span("x", 1))); });
    }).join();
    g.wait();
  });
}

TEST(runtimes_stress, a_thousand_leave_nothing_behind) {
  // ThreadSanitizer does not see liburing map memory, and takes two rings that were at the same
  // address one after the other for one: there it needs to see who came first.
  const int at_once = conc_test::under_tsan ? 1 : 2;
  const auto live = [=](int n) {
    std::vector<std::thread> makers;
    for (int k = 0; k < at_once; ++k) {
      makers.emplace_back([=] {
        for (int i = 0; i < n / at_once; ++i) live_and_end(i + k);
      });
    }
    for (auto& t : makers) t.join();
  };
  conc::detail::block_cost();  // is measured by kernel threads
  const long threads = conc_test::kernel_threads();
  // A kernel thread that has been joined may show in /proc for a moment.
  const auto settled = [=] { return conc_test::kernel_threads() == threads; };
  live(conc_test::scaled(200));  // until the caches are full: the pool's, malloc's
  ASSERT_TRUE(conc_test::eventually(settled)) << conc_test::kernel_threads();
  const long files = conc_test::descriptors();
  const long mappings = conc_test::lines_of("/proc/self/maps");
  const long kilobytes = conc_test::resident_kilobytes();
  const std::uint32_t tasks = conc::detail::last_task_id();

  live(conc_test::scaled(1'000));
  ASSERT_TRUE(conc_test::eventually(settled)) << conc_test::kernel_threads();
  EXPECT_EQ(conc_test::descriptors(), files);
  EXPECT_LE(conc::detail::last_task_id(), tasks + 100);
  if (conc_test::under_asan || conc_test::under_tsan) return;  // whose own memory drowns ours
  EXPECT_LE(conc_test::lines_of("/proc/self/maps"), mappings + 20);
  EXPECT_LE(conc_test::resident_kilobytes(), kilobytes + 3'000);
}

}  // namespace
