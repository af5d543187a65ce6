#include "conc/shared_mutex.h"

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
#include "support/crew.h"
#include "support/eventually.h"
#include "support/mutex_moments.h"
#include "support/scale.h"
#include "support/shared_moments.h"

namespace {

using conc::rw_preference;
using conc_test::crew;
using conc_test::eventually;
using conc_test::readers_parked;
using conc_test::scaled;
using conc_test::writers_parked;

static_assert(sizeof(conc::shared_mutex) == 16 && sizeof(conc::shared_timed_mutex) == 16);

template <class Mutex>
class shared_mutex_test : public testing::Test {};
using mutexes =
    testing::Types<conc::basic_shared_mutex<rw_preference::phase_fair>,
                   conc::basic_shared_mutex<rw_preference::reader>,
                   conc::basic_shared_mutex<rw_preference::writer>, conc::shared_timed_mutex>;
TYPED_TEST_SUITE(shared_mutex_test, mutexes);

TYPED_TEST(shared_mutex_test, cannot_be_copied_and_needs_no_code_to_be_made) {
  static_assert(!std::is_copy_constructible_v<TypeParam>);
  static_assert(!std::is_copy_assignable_v<TypeParam> && !std::is_move_assignable_v<TypeParam>);
  static constinit TypeParam made_by_the_compiler;
  const std::shared_lock guard(made_by_the_compiler);
}

TYPED_TEST(shared_mutex_test, readers_are_inside_together) {
  constexpr int n = 8;
  TypeParam m;
  conc::latch all_inside(n);
  crew()
      .mixed(n,
             [&](int) {
               const std::shared_lock guard(m);
               all_inside.arrive_and_wait();
             })
      .join();
}

TYPED_TEST(shared_mutex_test, writers_are_alone) {
  TypeParam m;
  long value = 0, copy = 0;
  std::atomic<int> readers{0};
  const int rounds = scaled(6'000);
  crew()
      .mixed(8,
             [&](int me) {
               for (int i = 0; i < rounds; ++i) {
                 if ((i + me) % 4 == 0) {
                   if (me < 4) {
                     m.lock();
                   } else if (!m.try_lock()) {
                     continue;
                   }
                   EXPECT_EQ(readers, 0);
                   ++value;
                   if (i % 64 == 0) conc::this_thread::yield();
                   ++copy;
                   m.unlock();
                 } else {
                   if (me % 4 < 2) {
                     m.lock_shared();
                   } else if (!m.try_lock_shared()) {
                     continue;
                   }
                   ++readers;
                   EXPECT_EQ(value, copy);
                   if (i % 64 == 1) conc::this_thread::yield();
                   --readers;
                   m.unlock_shared();
                 }
               }
             })
      .join();
  EXPECT_EQ(value, copy);
}

TYPED_TEST(shared_mutex_test, the_trying_members_tell_free_from_held) {
  conc_test::in_both_worlds([](const char* who) {
    TypeParam m;
    ASSERT_TRUE(m.try_lock()) << who;
    crew()
        .mixed(2,
               [&](int) {
                 EXPECT_FALSE(m.try_lock());
                 EXPECT_FALSE(m.try_lock_shared());
               })
        .join();
    m.unlock();
    ASSERT_TRUE(m.try_lock_shared()) << who;
    crew()
        .mixed(2,
               [&](int) {
                 EXPECT_FALSE(m.try_lock());
                 EXPECT_TRUE(m.try_lock_shared());
                 m.unlock_shared();
               })
        .join();
    m.unlock_shared();
    EXPECT_TRUE(m.try_lock()) << who;
    m.unlock();
  });
}

TYPED_TEST(shared_mutex_test, an_unlock_lets_in_who_waits_of_either_kind) {
  conc_test::in_both_worlds([](const char* who) {
    for (const bool read_first : {true, false}) {
      TypeParam m;
      read_first ? m.lock_shared() : m.lock();
      int written = 0;
      crew waiters;
      waiters.mixed(2, [&](int) {
        const std::lock_guard guard(m);
        ++written;
      });
      ASSERT_TRUE(eventually([&] { return writers_parked(m) == 2; })) << who;
      read_first ? m.unlock_shared() : m.unlock();
      waiters.join();
      EXPECT_EQ(written, 2) << who;

      std::atomic<int> readers{0};
      m.lock();
      waiters.mixed(4, [&](int) {
        const std::shared_lock guard(m);
        ++readers;
      });
      ASSERT_TRUE(eventually([&] { return readers_parked(m) == 4; })) << who;
      m.unlock();
      waiters.join();
      EXPECT_EQ(readers, 4) << who;
    }
  });
}

// The unlock comes while the writer is on its way into the queue, held up at the bucket's lock: it
// has to look again before it sleeps. (The millisecond lets it get that far; nothing depends on
// it.)
TYPED_TEST(shared_mutex_test, an_unlock_just_before_a_writer_waits_is_seen) {
  for (int round = 0; round < 8; ++round) {
    const bool read_first = round % 2 == 0;
    TypeParam m;
    conc::detail::parking_bucket& bucket = conc::detail::bucket_of(&m);
    read_first ? m.lock_shared() : m.lock();
    bucket.lock.lock();
    crew waiter;
    const auto enter = [&](int) { const std::lock_guard guard(m); };
    round % 4 < 2 ? waiter.users(1, enter) : waiter.kernels(1, enter);
    conc::this_thread::sleep_for(std::chrono::milliseconds(1));
    read_first ? m.unlock_shared() : m.unlock();
    bucket.lock.unlock();
    waiter.join();
  }
}

// The same for a reader: the unlock that lets it in waits for the bucket's lock as well, and either
// of the two may get it first. (Which of them does, the two sleeps make vary.)
TYPED_TEST(shared_mutex_test, an_unlock_just_before_a_reader_waits_is_seen) {
  for (int round = 0; round < 40; ++round) {
    TypeParam m;
    conc::detail::parking_bucket& bucket = conc::detail::bucket_of(&m);
    conc::latch unlock(1);
    std::atomic<bool> held{false};
    crew writer, reader;
    writer.kernels(1, [&](int) {
      m.lock();
      held = true;
      unlock.wait();
      m.unlock();
    });
    while (!held) conc::this_thread::yield();
    bucket.lock.lock();
    const auto read = [&](int) { const std::shared_lock guard(m); };
    const auto let_go = [&] { unlock.count_down(); };
    if (round % 2 == 0) let_go();
    round % 4 < 2 ? reader.users(1, read) : reader.kernels(1, read);
    conc::this_thread::sleep_for(std::chrono::microseconds(300));
    if (round % 2 != 0) let_go();
    conc::this_thread::sleep_for(std::chrono::microseconds(300));
    bucket.lock.unlock();
    reader.join();
    writer.join();
  }
}

// And while it is between its arrival, which the unlock has counted, and the bucket: it is let in
// without ever having been queued. The moment of the unlock is moved through that of the arrival;
// where the reader would not look again it lingers there for some microseconds (CONC_GAP).
TYPED_TEST(shared_mutex_test, an_unlock_between_a_readers_arrival_and_its_wait_is_seen) {
  TypeParam m;
  std::atomic<int> turn{0}, done{0};
  const int rounds = scaled(4'000);
  crew reader;
  reader.users(1, [&](int) {
    for (int i = 1; i <= rounds; ++i) {
      while (turn != i) conc::this_thread::yield();
      { const std::shared_lock guard(m); }
      done = i;
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    m.lock();
    turn = i;
    conc_test::burn_until(std::chrono::steady_clock::now() + std::chrono::nanoseconds(i % 50 * 60));
    m.unlock();
    { const std::lock_guard again(m); }  // closes the door behind the reader
    while (done != i) std::this_thread::yield();
  }
  reader.join();
}

// The bound itself is reached, and not exceeded. Preferring readers, an unlock hands over at once.
TYPED_TEST(shared_mutex_test, the_oldest_writer_is_bypassed_by_at_most_k_writers) {
  const bool hands_over =
      std::is_same_v<TypeParam, conc::basic_shared_mutex<rw_preference::reader>>;
  for (const bool by_try_lock : {false, true}) {
    EXPECT_EQ(conc_test::bypasses_until_entry<TypeParam>(by_try_lock, writers_parked<TypeParam>),
              hands_over ? 0 : TypeParam::max_bypass)
        << (by_try_lock ? "try_lock" : "lock");
  }
}

TYPED_TEST(shared_mutex_test, works_with_the_standard_guards) {
  TypeParam m;
  conc::mutex other;
  int counter = 0;
  const int rounds = scaled(2'000);
  crew()
      .mixed(4,
             [&](int i) {
               for (int k = 0; k < rounds; ++k) {
                 if (i % 2 == 0) {
                   const std::scoped_lock both(m, other);
                   ++counter;
                 } else {
                   std::shared_lock shared(m, std::defer_lock);
                   std::unique_lock unique(other, std::defer_lock);
                   std::lock(unique, shared);
                   ++counter;
                 }
               }
             })
      .join();
  EXPECT_EQ(counter, 4 * rounds);
  const std::shared_lock first(m, std::try_to_lock);
  const std::unique_lock second(m, std::try_to_lock);
  EXPECT_TRUE(first.owns_lock());
  EXPECT_FALSE(second.owns_lock());
}

}  // namespace
