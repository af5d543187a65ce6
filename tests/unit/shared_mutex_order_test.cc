// Who comes in first: the phases of the fair shared mutex, and the other preferences.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "conc/latch.h"
#include "conc/mutex.h"
#include "conc/runtime.h"
#include "conc/shared_mutex.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"
#include "support/shared_moments.h"

namespace {

using conc::rw_preference;
using conc_test::crew;
using conc_test::eventually;
using conc_test::readers_parked;
using conc_test::scaled;
using conc_test::writers_parked;

// Readers who run pass a writer who sleeps, as often as the bound says: then the door is closed.
TEST(phase_fair, readers_pass_a_waiting_writer_up_to_the_bound) {
  for (const bool by_try : {false, true}) {
    conc_test::in_both_worlds([&](const char* who) {
      conc::shared_mutex m;
      m.lock_shared();
      std::vector<int> order;
      crew waiters;
      waiters.mixed(1, [&](int) {
        const std::lock_guard guard(m);
        order.push_back(1);
      });
      ASSERT_TRUE(eventually([&] { return writers_parked(m) == 1; })) << who;
      std::uint32_t passes = 0;
      while (passes < 5 * m.max_bypass && m.try_lock_shared()) {
        m.unlock_shared();
        ++passes;
        if (by_try) continue;
        m.lock_shared();
        m.unlock_shared();
        ++passes;
      }
      // The last of them is left to lock_shared(), which closes the door.
      EXPECT_EQ(passes, by_try ? m.max_bypass - 1 : m.max_bypass) << who;
      if (HasFailure()) return m.unlock_shared();
      if (by_try) {
        m.lock_shared();
        m.unlock_shared();
      }
      EXPECT_FALSE(m.try_lock_shared()) << who;
      waiters.kernels(1, [&](int) {
        const std::shared_lock guard(m);
        order.push_back(2);
      });
      ASSERT_TRUE(eventually([&] { return readers_parked(m) == 1; })) << who;
      m.unlock_shared();
      waiters.join();
      EXPECT_EQ(order, (std::vector<int>{1, 2})) << who;
    });
  }
}

// A waiting writer has been passed as often as it may be when a writer leaves; three readers wait,
// too. They come in together, the writer after them, and a reader who comes meanwhile after the
// writer.
TEST(phase_fair, at_the_bound_readers_and_writers_take_turns) {
  for (int round = 0; round < 4; ++round) {
    conc::runtime one({.processors = 1});
    one.run([&] {
      conc::shared_mutex m;
      conc::latch together(4), go_on(1);
      std::atomic<int> readers{0};
      std::atomic<bool> written{false};
      m.lock();
      conc::thread writer([&] {
        const std::lock_guard guard(m);
        EXPECT_EQ(readers, 3);
        written = true;
      });
      ASSERT_TRUE(eventually([&] { return writers_parked(m) == 1; }));
      conc_test::pass_as_writer_until_the_bound(m);
      crew all;
      all.mixed(3, [&](int) {
        const std::shared_lock guard(m);
        EXPECT_FALSE(written);
        ++readers;
        together.arrive_and_wait();
        go_on.wait();
      });
      ASSERT_TRUE(eventually([&] { return readers_parked(m) == 3; }));
      if (round / 2 == 0) {
        ASSERT_TRUE(eventually([&] { return writers_parked(m) == 1; }));
      }
      m.unlock();
      together.arrive_and_wait();
      EXPECT_FALSE(m.try_lock_shared());
      EXPECT_FALSE(m.try_lock());
      const auto late = [&](int) {
        const std::shared_lock guard(m);
        EXPECT_TRUE(written);
      };
      round % 2 == 0 ? all.users(1, late) : all.kernels(1, late);
      ASSERT_TRUE(eventually([&] { return readers_parked(m) == 1; }));
      EXPECT_FALSE(written);
      go_on.count_down();
      writer.join();  // before a kernel thread is joined, which holds up this one's processor
      all.join();
      EXPECT_TRUE(written);
    });
  }
}

// The bound is reached, and not exceeded. (For writers that is a test of all shared mutexes.)
TEST(phase_fair, a_reader_is_passed_by_at_most_k_writers) {
  using m = conc::shared_mutex;
  EXPECT_EQ(conc_test::bypasses_until_a_reader_enters<m>(false), m::max_bypass);
  EXPECT_EQ(conc_test::bypasses_until_a_reader_enters<m>(true), m::max_bypass);
}

// A reader who was woken to find the mutex taken again need not fear that a second time.
TEST(phase_fair, a_reader_who_was_woken_in_vain_is_next) {
  conc::runtime one({.processors = 1});
  one.run([] {
    conc::shared_mutex m;
    m.lock();
    conc::thread reader([&] { const std::shared_lock guard(m); });
    ASSERT_TRUE(eventually([&] { return readers_parked(m) == 1; }));
    m.unlock();  // wakes the reader
    m.lock();
    EXPECT_EQ(readers_parked(m), 0);
    ASSERT_TRUE(eventually([&] { return readers_parked(m) == 1; }));
    m.unlock();
    const bool passed = m.try_lock();
    EXPECT_FALSE(passed);
    if (passed) m.unlock();
    reader.join();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

// One reader has been woken and has not come to it yet when another one falls asleep: the first one
// wakes it, though no writer comes any more.
TEST(phase_fair, readers_who_come_after_a_call_are_called_as_well) {
  conc::runtime one({.processors = 1});
  one.run([] {
    conc::shared_mutex m;
    m.lock();
    std::atomic<int> readers{0};
    const auto read = [&] {
      const std::shared_lock guard(m);
      ++readers;
    };
    conc::thread first(read);
    ASSERT_TRUE(eventually([&] { return readers_parked(m) == 1; }));
    m.unlock();  // wakes the first reader
    m.lock();
    std::thread second(read);
    while (readers_parked(m) == 0) std::this_thread::yield();
    m.unlock();
    EXPECT_TRUE(eventually([&] { return readers == 2; }));
    if (readers != 2) {  // for a mutant's sake
      m.lock();
      m.unlock();
    }
    first.join();
    second.join();
  });
}

// More readers than are woken at once.
TEST(phase_fair, all_of_a_crowd_of_readers_are_called) {
  constexpr int n = 600;
  conc::shared_mutex m;
  m.lock();
  std::atomic<int> readers{0};
  crew all;
  all.users(n, [&](int) {
    const std::shared_lock guard(m);
    ++readers;
  });
  ASSERT_TRUE(eventually([&] { return readers_parked(m) == n; }));
  m.unlock();
  all.join();
  EXPECT_EQ(readers, n);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

// A reader does not starve, though writers come all the time.
TEST(phase_fair, a_reader_is_passed_by_a_bounded_number_of_writers) {
  conc::shared_mutex m;
  std::atomic<bool> stop{false};
  long writes = 0;  // under the lock
  crew writers;
  writers.mixed(4, [&](int) {
    while (!stop) {
      const std::lock_guard guard(m);
      ++writes;
    }
  });
  for (int round = 0; round < scaled(200); ++round) {
    // Counted from when it is known to wait.
    std::atomic<long> at_entry{-1};
    m.lock();
    crew reader;
    const auto read = [&](int) {
      const std::shared_lock guard(m);
      at_entry = writes;
    };
    round % 2 == 0 ? reader.users(1, read) : reader.kernels(1, read);
    // A kernel thread may spin and not park; then it is counted all the same, and cannot be seen.
    for (int look = 0; look < 50 && readers_parked(m) == 0; ++look) conc::this_thread::yield();
    const bool waits = readers_parked(m) == 1;
    const long before = writes;
    m.unlock();
    reader.join();
    if (waits) {
      ASSERT_LE(at_entry - before, conc::shared_mutex::max_bypass);
    }
  }
  stop = true;
  writers.join();
}

// Nor does a writer, though readers come all the time.
TEST(phase_fair, a_writer_is_passed_by_a_bounded_number_of_readers) {
  constexpr int n = 6;
  conc::shared_mutex m;
  std::atomic<bool> stop{false};
  std::atomic<long> reads{0};
  crew readers;
  readers.mixed(n, [&](int me) {
    while (!stop) {
      const std::shared_lock guard(m);
      ++reads;
      if (me % 2 == 0) conc::this_thread::yield();
    }
  });
  for (int round = 0; round < scaled(200); ++round) {
    std::atomic<bool> entered{false};
    long at_entry = 0;
    crew writer;
    const auto write = [&](int) {
      const std::lock_guard guard(m);
      at_entry = reads;
      entered = true;
    };
    m.lock_shared();  // so that it has to wait
    round % 2 == 0 ? writer.users(1, write) : writer.kernels(1, write);
    ASSERT_TRUE(eventually([&] { return writers_parked(m) == 1; }));
    const long before = reads;
    m.unlock_shared();
    writer.join();
    // Each of the others may have been inside already, but not counted, or have come when the door
    // was just being closed.
    ASSERT_LE(at_entry - before, conc::shared_mutex::max_bypass + 2 * n);
  }
  stop = true;
  readers.join();
}

// The oldest writer has been woken and passed by another one, for the last time; then readers are
// let in. Before the next phase nobody passes the woken one again. (On one processor it does not
// run until this thread lets it; the reader is a kernel thread.)
TEST(phase_fair, after_a_batch_of_readers_the_designated_writer_is_next) {
  conc::runtime one({.processors = 1});
  one.run([] {
    conc::shared_mutex m;
    m.lock();
    bool entered = false;
    conc::thread waiter([&] {
      const std::lock_guard guard(m);
      entered = true;
    });
    ASSERT_TRUE(eventually([&] { return writers_parked(m) == 1; }));
    conc_test::pass_as_writer_until_the_bound(m);
    std::thread reader([&] { const std::shared_lock guard(m); });
    while (readers_parked(m) == 0) std::this_thread::yield();
    m.unlock();  // lets the reader in
    reader.join();
    EXPECT_FALSE(m.try_lock());
    EXPECT_FALSE(m.try_lock_shared());
    waiter.join();
    EXPECT_TRUE(entered);
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TEST(prefer_readers, a_reader_passes_a_waiting_writer) {
  conc_test::in_both_worlds([](const char* who) {
    conc::basic_shared_mutex<rw_preference::reader> m;
    m.lock_shared();
    std::atomic<bool> written{false};
    crew writer;
    writer.mixed(1, [&](int) {
      const std::lock_guard guard(m);
      written = true;
    });
    ASSERT_TRUE(eventually([&] { return writers_parked(m) == 1; })) << who;
    for (int i = 0; i < 100; ++i) {
      m.lock_shared();
      m.unlock_shared();
      ASSERT_TRUE(m.try_lock_shared()) << who;
      m.unlock_shared();
    }
    EXPECT_FALSE(written) << who;
    m.unlock_shared();
    writer.join();
    EXPECT_TRUE(written) << who;
  });
}

// Readers and a writer wait for a writer to leave: preferring writers the writer is next, else the
// readers.
template <rw_preference P>
std::vector<char> order_after_a_writer() {
  conc::basic_shared_mutex<P> m;
  std::vector<char> order;
  conc::mutex order_lock;
  const auto note = [&](char c) {
    const std::lock_guard guard(order_lock);
    order.push_back(c);
  };
  m.lock();
  crew all;
  all.mixed(2, [&](int) {
    const std::shared_lock guard(m);
    note('r');
  });
  EXPECT_TRUE(eventually([&] { return readers_parked(m) == 2; }));
  all.mixed(2, [&](int) {
    const std::lock_guard guard(m);
    note('w');
  });
  EXPECT_TRUE(eventually([&] { return writers_parked(m) == 2; }));
  m.unlock();
  all.join();
  return order;
}
TEST(prefer_writers, writers_go_before_readers_who_came_earlier) {
  EXPECT_EQ(order_after_a_writer<rw_preference::writer>(), (std::vector<char>{'w', 'w', 'r', 'r'}));
  EXPECT_EQ(order_after_a_writer<rw_preference::reader>(), (std::vector<char>{'r', 'r', 'w', 'w'}));
}

}  // namespace
