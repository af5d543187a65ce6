#include "conc/atomic_wait.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>

#include "locks/parking_table.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually_parked;
using conc_test::scaled;

TEST(atomic_wait, returns_at_once_when_the_value_is_another) {
  const std::atomic<int> a{1};
  conc::atomic_wait(a, 2);
  conc::atomic_wait(a, 0L);  // converted to the atomic's type
  conc::atomic_wait(a, 2, std::memory_order_relaxed);
  conc::atomic_notify_one(a);
  conc::atomic_notify_all(a);
}

TEST(atomic_wait, a_notification_after_a_change_ends_the_wait_of_either_kind) {
  conc_test::in_both_worlds([](const char* who) {
    std::atomic<std::uint64_t> a{0};
    int data = 0;
    crew waiters;
    waiters.mixed(4, [&](int) {
      conc::atomic_wait(a, 0);
      EXPECT_EQ(a, 7u);
      EXPECT_EQ(data, 1);
    });
    ASSERT_TRUE(eventually_parked(&a, 4)) << who;
    data = 1;
    a = 7;
    conc::atomic_notify_one(a);
    ASSERT_TRUE(eventually_parked(&a, 3)) << who;
    conc::atomic_notify_all(a);
    waiters.join();
  });
}

TEST(atomic_wait, a_notification_without_a_change_wakes_nobody_for_good) {
  std::atomic<int> a{5};
  std::atomic<bool> through{false};
  crew waiter;
  waiter.mixed(2, [&](int) {
    conc::atomic_wait(a, 5);
    through = true;
  });
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(eventually_parked(&a, 2));
    i % 2 == 0 ? conc::atomic_notify_one(a) : conc::atomic_notify_all(a);
  }
  ASSERT_TRUE(eventually_parked(&a, 2));
  EXPECT_FALSE(through);
  a = 6;
  conc::atomic_notify_all(a);
  waiter.join();
}

// The change comes while the waiter is on its way into the queue, held up at the bucket's lock, and
// a notification would find nobody: the waiter has to look again before it sleeps. (The millisecond
// lets it get that far; nothing depends on it.)
TEST(atomic_wait, a_change_just_before_the_wait_is_seen) {
  for (int round = 0; round < 10; ++round) {
    std::atomic<int> a{0};
    conc::detail::parking_bucket& bucket = conc::detail::bucket_of(&a);
    bucket.lock.lock();
    crew waiter;
    const auto wait = [&](int) { conc::atomic_wait(a, 0); };
    round % 2 == 0 ? waiter.users(1, wait) : waiter.kernels(1, wait);
    conc::this_thread::sleep_for(1ms);
    a = 1;
    bucket.lock.unlock();
    waiter.join();
  }
}

// Four of them in one word, so in one bucket: each has a queue of its own.
TEST(atomic_wait, neighbours_do_not_wake_each_other) {
  alignas(4) std::atomic<char> bytes[4] = {};
  crew waiters;
  std::atomic<int> through[4] = {};
  for (int i = 0; i < 4; ++i) {
    const auto wait = [&, i](int) {
      conc::atomic_wait(bytes[i], '\0');
      ++through[i];
    };
    waiters.users(1, wait).kernels(1, wait);
    ASSERT_TRUE(eventually_parked(&bytes[i], 2));
  }
  for (int i = 3; i >= 0; --i) {
    bytes[i] = 'x';
    conc::atomic_notify_all(bytes[i]);
    ASSERT_TRUE(conc_test::eventually([&] { return through[i] == 2; }));
    for (int k = 0; k < i; ++k) EXPECT_EQ(conc_test::parked_at(&bytes[k]), 2);
  }
  waiters.join();
}

// What is compared is the value representation: not operator==, and not the padding.
TEST(atomic_wait, compares_representations) {
  const std::atomic<double> zero{0.0};
  conc::atomic_wait(zero, -0.0);  // equal numbers, other bits
  const std::atomic<double> nan{std::nan("")};
  std::atomic<bool> through{false};
  crew waiter;
  std::atomic<double> a{std::nan("")};
  waiter.kernels(1, [&](int) {
    conc::atomic_wait(a, std::nan(""));  // unequal to itself, same bits
    through = true;
  });
  ASSERT_TRUE(eventually_parked(&a, 1));
  EXPECT_FALSE(through);
  a = 1.0;
  conc::atomic_notify_one(a);
  waiter.join();

  enum class colour : short { red, green };
  const std::atomic<colour> c{colour::red};
  conc::atomic_wait(c, colour::green);
  int x = 0;
  const std::atomic<int*> p{nullptr};
  conc::atomic_wait(p, &x);
}

TEST(atomic_wait, a_flag_is_waited_for_by_either_kind) {
  conc_test::in_both_worlds([](const char* who) {
    std::atomic_flag flag;
    conc::atomic_wait(flag, true);
    crew waiters;
    waiters.mixed(4, [&](int i) {
      i % 2 == 0 ? conc::atomic_wait(flag, false) : conc::atomic_flag_wait(&flag, false);
      EXPECT_TRUE(flag.test());
    });
    ASSERT_TRUE(eventually_parked(&flag, 4)) << who;
    conc::atomic_flag_notify_all(&flag);  // nothing has changed
    ASSERT_TRUE(eventually_parked(&flag, 4)) << who;
    flag.test_and_set();
    conc::atomic_notify_one(flag);
    ASSERT_TRUE(eventually_parked(&flag, 3)) << who;
    conc::atomic_flag_notify_one(&flag);
    ASSERT_TRUE(eventually_parked(&flag, 2)) << who;
    conc::atomic_notify_all(flag);
    waiters.join();
  });
}

TEST(atomic_wait, has_the_spelling_of_the_standard) {
  std::atomic<int> a{1};
  conc::atomic_wait(&a, 2);
  conc::atomic_wait_explicit(&a, 2, std::memory_order_relaxed);
  crew waiters;
  waiters.mixed(4, [&](int i) {
    i % 2 == 0 ? conc::atomic_wait(&a, 1)
               : conc::atomic_wait_explicit(&a, 1, std::memory_order_acquire);
  });
  ASSERT_TRUE(eventually_parked(&a, 4));
  a = 2;
  conc::atomic_notify_one(&a);
  ASSERT_TRUE(eventually_parked(&a, 3));
  conc::atomic_notify_all(&a);
  waiters.join();
}

#if defined(__GNUC__) && !defined(__clang__)
struct padded {
  char letter;
  int number;
};
TEST(atomic_wait, leaves_padding_out) {
  static_assert(!std::has_unique_object_representations_v<padded>);
  padded one, other;
  std::memset(&one, 0x00, sizeof one);
  std::memset(&other, 0xff, sizeof other);
  one.letter = other.letter = 'a';
  one.number = other.number = 1;
  EXPECT_TRUE(conc::detail::same_value(one, other));
  other.number = 2;
  EXPECT_FALSE(conc::detail::same_value(one, other));
}
#endif

// A ring of threads that pass a counter round by atomics alone.
TEST(atomic_wait, a_counter_goes_round) {
  constexpr int n = 4;
  std::atomic<int> turn{0};
  const int rounds = scaled(4'000);
  crew()
      .mixed(n,
             [&](int me) {
               for (int i = 0; i < rounds; ++i) {
                 for (int t; (t = turn.load()) % n != me;) conc::atomic_wait(turn, t);
                 turn.fetch_add(1);
                 conc::atomic_notify_all(turn);
               }
             })
      .join();
  EXPECT_EQ(turn, n * rounds);
}

// The notification comes after the store that lets the waiter go: the atomic may be gone by then.
TEST(atomic_wait, the_atomic_may_go_before_the_notification) {
  for (int round = 0; round < scaled(1'000); ++round) {
    auto a = std::make_unique<std::atomic<int>>(0);
    std::atomic<int>& there = *a;
    crew other;
    const auto set = [&](int) {
      const std::atomic<int>* address = &there;
      there.store(1);
      conc::atomic_notify_one(*address);
    };
    round % 2 == 0 ? other.users(1, set) : other.kernels(1, set);
    while (a->load() == 0) conc::atomic_wait(*a, 0);
    a.reset();
    other.join();
  }
}

}  // namespace
