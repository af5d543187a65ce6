// Deadlines of readers and writers: how they leave, and what they leave behind.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "conc/latch.h"
#include "conc/runtime.h"
#include "conc/shared_mutex.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/mutex_moments.h"
#include "support/scale.h"
#include "support/shared_moments.h"

namespace {

using namespace std::chrono_literals;
using conc::rw_preference;
using conc_test::burn_until;
using conc_test::crew;
using conc_test::eventually;
using conc_test::readers_parked;
using conc_test::writers_parked;
using steady = std::chrono::steady_clock;

template <class Mutex>
class shared_timed_mutex_test : public testing::Test {};
using mutexes = testing::Types<conc::basic_shared_timed_mutex<rw_preference::phase_fair>,
                               conc::basic_shared_timed_mutex<rw_preference::reader>,
                               conc::basic_shared_timed_mutex<rw_preference::writer>>;
TYPED_TEST_SUITE(shared_timed_mutex_test, mutexes);

// With a reader inside and a writer parked, or who has just given up.
template <rw_preference P>
void close_the_door(conc::basic_shared_timed_mutex<P>& m) {
  if constexpr (P == rw_preference::phase_fair) conc_test::pass_as_reader_until_the_bound(m);
}

TYPED_TEST(shared_timed_mutex_test, nobody_gives_up_early_or_leaves_a_trace) {
  conc_test::in_both_worlds([](const char* who) {
    TypeParam m;  // whose destructor looks at the word
    for (const bool held_by_reader : {false, true}) {
      held_by_reader ? m.lock_shared() : m.lock();
      const auto try_it = [&](int) {
        for (const auto time : {0ms, 1ms, 7ms, 20ms}) {
          auto start = steady::now();
          EXPECT_FALSE(m.try_lock_for(time)) << who;
          EXPECT_GE(steady::now() - start, time) << who;
          if (held_by_reader) continue;
          start = steady::now();
          EXPECT_FALSE(m.try_lock_shared_for(time)) << who;
          EXPECT_GE(steady::now() - start, time) << who;
        }
        EXPECT_FALSE(m.try_lock_until(steady::time_point::min())) << who;
        const auto until = std::chrono::system_clock::now() + 5ms;
        EXPECT_FALSE(m.try_lock_until(until)) << who;
        EXPECT_GE(std::chrono::system_clock::now(), until) << who;
      };
      crew().users(1, try_it).kernels(1, try_it).users(1, try_it).join();
      EXPECT_EQ(writers_parked(m) + readers_parked(m), 0) << who;
      held_by_reader ? m.unlock_shared() : m.unlock();
    }
    EXPECT_TRUE(m.try_lock_for(1h)) << who;
    m.unlock();
    EXPECT_TRUE(m.try_lock_shared_for(-1h)) << who;
    EXPECT_TRUE(m.try_lock_shared_until(steady::time_point::max())) << who;
    m.unlock_shared();
    m.unlock_shared();
  });
}

TYPED_TEST(shared_timed_mutex_test, who_is_let_in_in_time_stays) {
  TypeParam m;
  std::atomic<int> got{0};
  m.lock();
  crew waiters;
  waiters.mixed(3, [&](int) {
    if (!m.try_lock_shared_for(60s)) return;
    ++got;
    m.unlock_shared();
  });
  waiters.mixed(3, [&](int) {
    if (!m.try_lock_for(60s)) return;
    ++got;
    m.unlock();
  });
  ASSERT_TRUE(eventually([&] { return writers_parked(m) + readers_parked(m) == 6; }));
  m.unlock();
  waiters.join();
  EXPECT_EQ(got, 6);
}

// A writer closes the door and gives up while a reader is inside: those who wait behind it come in,
// though the first one stays.
TYPED_TEST(shared_timed_mutex_test, a_writer_who_gives_up_lets_the_readers_behind_him_in) {
  for (int round = 0; round < 8; ++round) {
    TypeParam m;
    m.lock_shared();
    bool got = true;
    crew all;
    const auto write = [&](int) { got = m.try_lock_for(15ms); };
    const auto read = [&](int) { const std::shared_lock guard(m); };
    round % 2 == 0 ? all.users(1, write) : all.kernels(1, write);
    // Or has given up already.
    if (eventually([&] { return writers_parked(m) == 1; }, 1s)) close_the_door(m);
    round % 4 < 2 ? all.users(2, read) : all.kernels(2, read);
    all.join();  // while we stay inside
    EXPECT_FALSE(got);
    EXPECT_TRUE(m.try_lock_shared());
    m.unlock_shared();
    m.unlock_shared();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  }
}

TYPED_TEST(shared_timed_mutex_test, a_writer_who_gives_up_leaves_the_other_writers) {
  TypeParam m;
  m.lock_shared();
  std::atomic<int> wrote{0}, gave_up{0};
  crew all;
  for (int i = 0; i < 4; ++i) {
    const int before = writers_parked(m) + gave_up;
    const auto write = [&](int me) {
      if (me % 2 == 0) {
        if (m.try_lock_for(15ms)) {
          m.unlock();
        } else {
          ++gave_up;
        }
      } else {
        const std::lock_guard guard(m);
        ++wrote;
      }
    };
    i < 2 ? all.users(1, write) : all.kernels(1, write);
    ASSERT_TRUE(eventually([&] { return writers_parked(m) + gave_up > before; }));
  }
  ASSERT_TRUE(eventually([&] { return gave_up == 2; }));
  EXPECT_EQ(writers_parked(m), 2);
  EXPECT_EQ(wrote, 0);
  m.unlock_shared();
  all.join();
  EXPECT_EQ(wrote, 2);
}

// The last reader has left and is on its way to let the writer in, held up at the bucket's lock,
// when the writer's deadline passes: the writer may not go, for it is being waited on.
TEST(shared_timed_mutex, the_last_reader_finds_the_writer_who_waits_for_it) {
  int arranged = 0;
  for (int round = 0; round < 200 && arranged < 20; ++round) {
    conc::shared_timed_mutex m;
    conc::detail::parking_bucket& bucket = conc::detail::bucket_of(&m);
    const auto departures = [&] {
      // The word is private; the library's threads change it meanwhile.
      const auto* place = reinterpret_cast<const std::uint64_t*>(&m);
      const std::uint64_t word = __atomic_load_n(place, __ATOMIC_RELAXED);
      return conc::detail::shared_layout<24>::departures(word);
    };
    conc::latch leave(1);
    std::atomic<bool> inside{false};
    bool got = false;
    crew reader, writer;
    reader.kernels(1, [&](int) {
      m.lock_shared();
      inside = true;
      leave.wait();
      m.unlock_shared();
    });
    while (!inside) conc::this_thread::yield();
    steady::time_point deadline;
    const auto write = [&](int) {
      deadline = steady::now() + 20ms;
      got = m.try_lock_until(deadline);
      if (got) m.unlock();
    };
    round % 2 == 0 ? writer.users(1, write) : writer.kernels(1, write);
    const bool parked = eventually([&] { return writers_parked(m) == 1; }, 1s);
    if (parked) close_the_door(m);
    bucket.lock.lock();
    const bool in_time = parked && conc::detail::first_waiter(bucket, &m) != nullptr;
    leave.count_down();
    if (in_time) {
      while (departures() != 0) std::this_thread::yield();
      std::this_thread::sleep_until(deadline + 1ms);
    }
    bucket.lock.unlock();
    reader.join();
    writer.join();
    if (!in_time) continue;  // this machine was too slow: once more
    ++arranged;
    EXPECT_TRUE(got);
  }
  EXPECT_EQ(arranged, 20);
}

// On one processor what is ready does not run before this thread suspends, so the moment can be
// chosen: a woken writer is passed by another and comes too late.
TEST(shared_timed_mutex, a_woken_writer_who_is_late_makes_way_for_the_next) {
  conc_test::expect_a_late_waiter_to_make_way<conc::shared_timed_mutex>(
      writers_parked<conc::shared_timed_mutex>);
}

// The same, with a reader let in meanwhile, who stays: the door opens for others.
TEST(shared_timed_mutex, a_woken_writer_who_is_late_opens_the_door) {
  conc::runtime one({.processors = 1});
  one.run([] {
    conc::shared_timed_mutex m;
    m.lock();
    bool late_got = true;
    const auto deadline = steady::now() + 20ms;
    conc::thread late([&] {
      late_got = m.try_lock_until(deadline);
      if (late_got) m.unlock();
    });
    while (writers_parked(m) == 0 && steady::now() < deadline) conc::this_thread::yield();
    conc_test::pass_as_writer_until_the_bound(m);
    conc::latch leave(1);
    std::thread reader([&] {
      const std::shared_lock guard(m);
      leave.wait();
    });
    while (readers_parked(m) == 0) std::this_thread::yield();
    m.unlock();  // lets the reader in
    EXPECT_FALSE(m.try_lock_shared()) << "the writer's turn";
    burn_until(deadline);
    late.join();
    EXPECT_FALSE(late_got);
    EXPECT_TRUE(m.try_lock_shared());
    m.unlock_shared();
    leave.count_down();
    reader.join();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

}  // namespace
