// The checker on trial: what the C++ memory model allows it must find, what it forbids it must not.
#include <gtest/gtest.h>

#include "checker/check.h"
#include "conc/detail/atomic.h"

namespace {

using namespace conc::checker;
using namespace conc::detail;

using flag = atomic<int>;
using order = std::memory_order;

// Two threads store to one location each and then load the other: both may miss the other's store
// unless all four are sequentially consistent.
auto store_buffering(order stores, order loads) {
  return [=] {
    flag x{0}, y{0};
    int a = 0, b = 0;
    spawn([&] {
      x.store(1, stores);
      a = y.load(loads);
    });
    spawn([&] {
      y.store(1, stores);
      b = x.load(loads);
    });
    join_all();
    must(a == 1 || b == 1);
  };
}

TEST(litmus, store_buffering) {
  expect_failure(store_buffering(memory_order_relaxed, memory_order_relaxed), "not true");
  expect_failure(store_buffering(memory_order_release, memory_order_acquire), "not true");
  expect_failure(store_buffering(memory_order_seq_cst, memory_order_acquire), "not true");
  expect_failure(store_buffering(memory_order_release, memory_order_seq_cst), "not true");
  expect_sound(store_buffering(memory_order_seq_cst, memory_order_seq_cst));
}

auto store_buffering_with_fences(bool first, bool second) {
  return [=] {
    flag x{0}, y{0};
    int a = 0, b = 0;
    spawn([&] {
      x.store(1, memory_order_relaxed);
      if (first) full_fence();
      a = y.load(memory_order_relaxed);
    });
    spawn([&] {
      y.store(1, memory_order_relaxed);
      if (second) full_fence();
      b = x.load(memory_order_relaxed);
    });
    join_all();
    must(a == 1 || b == 1);
  };
}

TEST(litmus, store_buffering_with_fences) {
  expect_failure(store_buffering_with_fences(true, false), "not true");
  expect_failure(store_buffering_with_fences(false, true), "not true");
  expect_sound(store_buffering_with_fences(true, true));
}

// One side's fence may be made by the other, for everybody: membarrier(2).
TEST(litmus, store_buffering_with_a_fence_for_all) {
  expect_sound([] {
    flag x{0}, y{0};
    int a = 0, b = 0;
    spawn([&] {
      x.store(1, memory_order_relaxed);
      a = y.load(memory_order_relaxed);
    });
    spawn([&] {
      y.store(1, memory_order_relaxed);
      fence_in_all_threads();
      b = x.load(memory_order_relaxed);
    });
    join_all();
    must(a == 1 || b == 1);
  });
}

// Data and a flag that says that they are there.
auto message(order says, order sees) {
  return [=] {
    flag data{0}, ready{0};
    spawn([&] {
      data.store(1, memory_order_relaxed);
      ready.store(1, says);
    });
    spawn([&] {
      if (ready.load(sees) == 1) must(data.load(memory_order_relaxed) == 1);
    });
    join_all();
  };
}

TEST(litmus, message_passing) {
  expect_failure(message(memory_order_relaxed, memory_order_relaxed), "not true");
  expect_failure(message(memory_order_release, memory_order_relaxed), "not true");
  expect_failure(message(memory_order_relaxed, memory_order_acquire), "not true");
  expect_sound(message(memory_order_release, memory_order_acquire));
}

// Two stores that two readers see in different orders.
auto independent_reads(order writes, order reads) {
  return [=] {
    flag x{0}, y{0};
    int seen[4] = {};
    spawn([&] { x.store(1, writes); });
    spawn([&] { y.store(1, writes); });
    spawn([&] {
      seen[0] = x.load(reads);
      seen[1] = y.load(reads);
    });
    spawn([&] {
      seen[2] = y.load(reads);
      seen[3] = x.load(reads);
    });
    join_all();
    must(!(seen[0] == 1 && seen[1] == 0 && seen[2] == 1 && seen[3] == 0));
  };
}

TEST(litmus, independent_reads_of_independent_writes) {
  expect_failure(independent_reads(memory_order_release, memory_order_acquire), "not true");
  expect_sound(independent_reads(memory_order_seq_cst, memory_order_seq_cst));
}

// A location by itself is coherent, however weak the orders.
TEST(litmus, coherence) {
  expect_sound([] {
    flag x{0};
    spawn([&] {
      x.store(1, memory_order_relaxed);
      x.store(2, memory_order_relaxed);
    });
    spawn([&] {
      const int first = x.load(memory_order_relaxed);
      must(first <= x.load(memory_order_relaxed));
    });
    join_all();
    must(x.load(memory_order_relaxed) == 2);
  });
}

TEST(litmus, read_modify_writes_lose_nothing) {
  expect_sound([] {
    flag x{0};
    for (int i = 0; i < 3; ++i) spawn([&] { x.fetch_add(1, memory_order_relaxed); });
    join_all();
    must(x.load(memory_order_relaxed) == 3);
  });
}

// A relaxed read-modify-write continues the release sequence, a relaxed store ends it.
auto release_sequence(bool by_change) {
  return [=] {
    flag x{0};
    int plain = 0;
    spawn([&] {
      plain = 1;
      x.store(1, memory_order_release);
    });
    spawn([&] {
      if (x.load(memory_order_relaxed) != 1) return;
      if (by_change) {
        x.fetch_add(1, memory_order_relaxed);
      } else {
        x.store(2, memory_order_relaxed);
      }
    });
    spawn([&] {
      if (x.load(memory_order_acquire) == 2) must(plain == 1);
    });
    join_all();
  };
}

TEST(litmus, release_sequence) {
  expect_sound(release_sequence(true));
  expect_failure(release_sequence(false), "a race");
}

TEST(litmus, a_failed_compare_and_swap_may_see_an_old_value) {
  expect_failure(
      [] {
        flag x{0}, y{0};
        spawn([&] {
          x.store(1, memory_order_relaxed);
          y.store(1, memory_order_release);
        });
        spawn([&] {
          int expected = 5;
          if (x.compare_exchange_strong(expected, 6, memory_order_relaxed)) return;
          if (y.load(memory_order_relaxed) == 1) must(expected == 1);
        });
        join_all();
      },
      "not true");
}

TEST(litmus, a_weak_compare_and_swap_may_fail_without_a_reason) {
  const auto once = [](bool weak) {
    return [=] {
      flag x{0};
      int expected = 0;
      must(weak ? x.compare_exchange_weak(expected, 1, memory_order_relaxed)
                : x.compare_exchange_strong(expected, 1, memory_order_relaxed));
    };
  };
  expect_failure(once(true), "not true");
  expect_sound(once(false));
}

TEST(faults, a_race_is_found_whichever_comes_first) {
  expect_failure(
      [] {
        int plain = 0;
        spawn([&] { plain = 1; });
        spawn([&] { plain = 2; });
        join_all();
      },
      "a race");
}

TEST(faults, a_race_is_what_no_order_forbids) {
  const auto message = [](order says, order sees) {
    return [=] {
      flag ready{0};
      int plain = 0;
      spawn([&] {
        plain = 1;
        ready.store(1, says);
      });
      spawn([&] {
        if (ready.load(sees) == 1) must(plain == 1);
      });
      join_all();
    };
  };
  expect_failure(message(memory_order_relaxed, memory_order_acquire), "a race");
  expect_failure(message(memory_order_release, memory_order_relaxed), "a race");
  expect_sound(message(memory_order_release, memory_order_acquire));
}

TEST(faults, neighbouring_bytes_are_no_race) {
  expect_sound([] {
    char bytes[8] = {};
    for (int i = 0; i < 3; ++i) spawn([&, i] { bytes[i] = 1; });
    join_all();
  });
}

TEST(faults, use_after_the_end) {
  expect_failure(
      [] {
        auto* x = new flag{0};
        flag gone{0};
        spawn([&] {
          delete x;
          gone.store(1, memory_order_release);
        });
        spawn([&] { x->load(memory_order_relaxed); });
        join_all();
      },
      "after its end");
}

TEST(faults, an_end_that_is_not_ordered_after_the_last_use) {
  plan only_one;
  only_one.executions = 1;
  expect_failure(
      [] {
        auto* x = new flag{0};
        spawn([&] { x->load(memory_order_relaxed); });
        spawn([&] { delete x; });
        join_all();
      },
      "could still use it", {only_one});
}

TEST(faults, a_loop_that_waits_for_ever) {
  expect_failure(
      [] {
        flag x{0};
        spawn([&] {
          while (x.load(memory_order_relaxed) == 0) relax();
        });
        join_all();
      },
      "nobody can go on");
}

// The store comes, however late: a waiting loop that ends is no fault.
TEST(faults, a_loop_that_is_released) {
  expect_sound([] {
    flag x{0};
    spawn([&] {
      while (x.load(memory_order_relaxed) == 0) relax();
    });
    spawn([&] { x.store(1, memory_order_relaxed); });
    join_all();
  });
}

// A failure comes with a string that repeats it.
TEST(report, replays) {
  const scenario s = store_buffering(memory_order_relaxed, memory_order_relaxed);
  for (const plan& p : usual_plans()) {
    const verdict found = search(s, p);
    ASSERT_TRUE(found.failed);
    const auto at = found.report.find("replay: ") + 8;
    plan again = p;
    again.replay = found.report.substr(at, found.report.find('\n', at) - at);
    const verdict repeated = search(s, again);
    EXPECT_EQ(repeated.executions, 0);  // none before the one that failed
    EXPECT_EQ(repeated.report, found.report);
  }
}

}  // namespace
