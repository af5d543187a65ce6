// The locks that serve in order: ticket, Anderson, MCS, CLH.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "conc/conc.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

std::atomic<bool> memory_is_refused{false};
std::atomic<long> big_pieces{0};  // of more than 4000 bytes and on a cache line of their own

}  // namespace

// What clh_lock takes its nodes from.
void* operator new(std::size_t size, std::align_val_t align) {
  if (memory_is_refused) throw std::bad_alloc();
  if (size > 4000 && static_cast<std::size_t>(align) == 64) ++big_pieces;
  void* p = std::aligned_alloc(static_cast<std::size_t>(align), size);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

using conc_test::crew;
using conc_test::eventually;
using conc_test::scaled;

template <class Lock>
class queue_lock_test : public testing::Test {};
using locks = testing::Types<conc::ticket_lock, conc::anderson_lock, conc::mcs_lock, conc::clh_lock,
                             conc::basic_ticket_lock<std::uint8_t>,
                             conc::basic_anderson_lock<2, std::uint8_t>>;
TYPED_TEST_SUITE(queue_lock_test, locks);

// K = 0, and in the order in which they came: the one who unlocks comes again at once, every time.
TYPED_TEST(queue_lock_test, serves_in_the_order_of_arrival_and_nobody_passes) {
  constexpr int waiters = 5;
  conc::runtime one({.processors = 1});
  std::vector<int> order;
  one.run([&] {
    TypeParam lock;
    lock.lock();
    int arrived = 0;
    std::vector<conc::thread> all;
    for (int i = 0; i < waiters; ++i) {
      all.emplace_back([&, i] {
        ++arrived;  // and takes its place before it can give way
        const std::lock_guard guard(lock);
        order.push_back(i);
      });
      ASSERT_TRUE(eventually([&] { return arrived == i + 1; }));
    }
    for (int again = 0; again < 3; ++again) {
      lock.unlock();
      lock.lock();
      order.push_back(-1);
    }
    lock.unlock();
    for (auto& t : all) t.join();
  });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, -1, -1, -1}));
}

// Counters of eight bits go round many times; and more wait than an array has places.
TYPED_TEST(queue_lock_test, goes_round_many_times) {
  TypeParam lock;
  int inside = 0;
  long entries = 0;
  const int rounds = scaled(2'000);
  crew()
      .mixed(7,
             [&](int) {
               for (int i = 0; i < rounds; ++i) {
                 const std::lock_guard guard(lock);
                 ++inside;
                 if (i % 64 == 0) conc::this_thread::yield();
                 EXPECT_EQ(inside, 1);
                 --inside;
                 ++entries;
               }
             })
      .join();
  EXPECT_EQ(entries, 7L * rounds);
}

// Who leaves comes again just as the other one, his only company, takes over.
TYPED_TEST(queue_lock_test, two_in_turn) {
  TypeParam lock;
  long entries = 0;
  const int rounds = scaled(20'000);
  crew()
      .kernels(2,
               [&](int) {
                 for (int i = 0; i < rounds; ++i) {
                   const std::lock_guard guard(lock);
                   ++entries;
                 }
               })
      .join();
  EXPECT_EQ(entries, 2L * rounds);
}

template <class Lock>
void goes_round_alone() {
  Lock lock;
  for (int i = 0; i < 1'000; ++i) {
    lock.lock();
    EXPECT_FALSE(lock.try_lock()) << i;
    lock.unlock();
    ASSERT_TRUE(lock.try_lock()) << i;
    lock.unlock();
  }
}
TEST(queue_lock, counters_wrap) {
  goes_round_alone<conc::basic_ticket_lock<std::uint8_t>>();
  goes_round_alone<conc::basic_anderson_lock<1, std::uint8_t>>();
  goes_round_alone<conc::basic_anderson_lock<128, std::uint8_t>>();
  goes_round_alone<conc::basic_ticket_lock<std::uint16_t>>();
}

// The next holder may unlock and destroy the lock at once.
TYPED_TEST(queue_lock_test, may_be_destroyed_by_the_next_holder) {
  for (int round = 0; round < scaled(600); ++round) {
    auto lock = std::make_unique<TypeParam>();
    lock->lock();
    std::atomic<bool> coming{false};
    crew next;
    const auto take_and_destroy = [&](int) {
      coming = true;
      lock->lock();
      lock->unlock();
      lock.reset();
    };
    round % 2 == 0 ? next.users(1, take_and_destroy) : next.kernels(1, take_and_destroy);
    while (!coming) conc::this_thread::yield();
    lock->unlock();
    next.join();
  }
}

// However many locks come and go and however many are held, a thread keeps one node and a lock one.
TEST(clh_lock, nodes_are_used_again) {
  const auto use = [](int) {
    for (int i = 0; i < scaled(20'000); ++i) {
      conc::clh_lock a, b;
      const std::scoped_lock guard(a);
      const std::lock_guard other(b);
    }
  };
  crew().mixed(8, use).join();
  const long before = big_pieces;
  crew().mixed(8, use).join();
  EXPECT_LE(big_pieces - before, 1);
}

TEST(clh_lock, refused_memory_is_an_exception_and_nothing_is_held) {
  conc::clh_lock mine;
  {
    const std::lock_guard guard(mine);  // now this lock has a node, and this thread has none
  }
  std::vector<std::unique_ptr<conc::clh_lock>> many;
  memory_is_refused = true;
  bool refused = false;
  for (int i = 0; i < 100'000 && !refused; ++i) {
    many.push_back(std::unique_ptr<conc::clh_lock>(new conc::clh_lock));
    try {
      many.back()->lock();
      many.back()->unlock();
    } catch (const std::bad_alloc&) {
      refused = true;
    }
  }
  memory_is_refused = false;
  ASSERT_TRUE(refused);
  many.back()->lock();  // nobody holds it
  many.back()->unlock();
}

using ClhLockDeathTest = conc_test::death_test;
TEST_F(ClhLockDeathTest, destroyed_while_locked) {
  EXPECT_DEATH(
      {
        conc::clh_lock lock;
        lock.lock();
      },
      "a conc::clh_lock was destroyed while locked");
}

}  // namespace
