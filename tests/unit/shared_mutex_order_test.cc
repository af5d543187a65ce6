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

namespace {

using conc::rw_preference;
using conc_test::crew;
using conc_test::eventually;
using conc_test::scaled;

template <class M>
int writers_parked(const M& m) {
  return conc_test::parked_at(&m);
}
template <class M>
int readers_parked(const M& m) {
  return conc_test::parked_at(reinterpret_cast<const char*>(&m) + 1);
}

TEST(phase_fair, a_reader_does_not_pass_a_waiting_writer) {
  conc_test::in_both_worlds([](const char* who) {
    conc::shared_mutex m;
    m.lock_shared();
    std::vector<int> order;
    crew waiters;
    waiters.mixed(1, [&](int) {
      const std::lock_guard guard(m);
      order.push_back(1);
    });
    ASSERT_TRUE(eventually([&] { return writers_parked(m) == 1; })) << who;
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

// A writer leaves; three readers and another writer wait. The readers come in together, the writer
// after them, and a reader who comes meanwhile after the writer.
TEST(phase_fair, readers_and_writers_take_turns) {
  for (int round = 0; round < 4; ++round) {
    conc::shared_mutex m;
    conc::latch together(4), go_on(1);
    std::atomic<int> readers{0};
    std::atomic<bool> written{false};
    m.lock();
    crew all;
    const auto write = [&](int) {
      const std::lock_guard guard(m);
      EXPECT_EQ(readers, 3);
      written = true;
    };
    round % 2 == 0 ? all.users(1, write) : all.kernels(1, write);
    ASSERT_TRUE(eventually([&] { return writers_parked(m) == 1; }));
    all.mixed(3, [&](int) {
      const std::shared_lock guard(m);
      EXPECT_FALSE(written);
      ++readers;
      together.arrive_and_wait();
      go_on.wait();
    });
    ASSERT_TRUE(eventually([&] { return readers_parked(m) == 3; }));
    m.unlock();
    together.arrive_and_wait();
    EXPECT_FALSE(m.try_lock_shared());
    const auto late = [&](int) {
      const std::shared_lock guard(m);
      EXPECT_TRUE(written);
    };
    round / 2 == 0 ? all.users(1, late) : all.kernels(1, late);
    ASSERT_TRUE(eventually([&] { return readers_parked(m) == 1; }));
    EXPECT_FALSE(written);
    go_on.count_down();
    all.join();
    EXPECT_TRUE(written);
  }
}

// A reader waits for one writer at most, though writers come all the time.
TEST(phase_fair, a_reader_is_passed_by_one_writer) {
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
    // Counted from when it is known to wait: the writer who is inside then, and the next one if he
    // has the door already.
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
      ASSERT_LE(at_entry - before, 0);
    }
  }
  stop = true;
  writers.join();
}

// A writer waits for the readers that are inside, and for nobody who comes later.
TEST(phase_fair, a_writer_is_not_passed_by_readers_who_come_later) {
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
    // Each of the others may have been inside already, but not counted.
    ASSERT_LE(at_entry - before, n);
  }
  stop = true;
  readers.join();
}

// The oldest writer has been woken and passed by another one; then readers are let in. Before the
// next phase nobody passes the woken one again. (On one processor it does not run until this thread
// lets it; the reader is a kernel thread.)
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
    m.unlock();  // wakes the waiter
    m.lock();
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
  EXPECT_EQ(order_after_a_writer<rw_preference::phase_fair>(),
            (std::vector<char>{'r', 'r', 'w', 'w'}));
}

}  // namespace
