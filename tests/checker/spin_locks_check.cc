// The spin locks' shipped headers under every order of events.
#include <gtest/gtest.h>

#include <memory>
#include <type_traits>

#include "checker/check.h"
#include "conc/anderson_lock.h"
#include "conc/bakery_lock.h"
#include "conc/cas_lock.h"
#include "conc/filter_lock.h"
#include "conc/mcs_lock.h"
#include "conc/peterson_lock.h"
#include "conc/tas_lock.h"
#include "conc/ticket_lock.h"
#include "conc/ttas_lock.h"

namespace {

using namespace conc::checker;

// Plain data that only the lock protects: a weak order is a race on it.
template <class Lock>
void two_sections() {
  Lock lock;
  int n = 0;
  for (int i = 0; i < 2; ++i) {
    spawn([&] {
      lock.lock();
      ++n;
      lock.unlock();
    });
  }
  join_all();
  must(n == 2);
}

template <class Lock>
void a_section_and_an_attempt() {
  Lock lock;
  int n = 0;
  spawn([&] {
    lock.lock();
    ++n;
    lock.unlock();
  });
  spawn([&] {
    if (!lock.try_lock()) return;
    ++n;
    lock.unlock();
  });
  join_all();
  must(n >= 1);
}

template <class Lock>
class spin_lock : public testing::Test {};
using locks = testing::Types<conc::tas_lock, conc::ttas_lock, conc::cas_lock, conc::ticket_lock>;
TYPED_TEST_SUITE(spin_lock, locks);

TYPED_TEST(spin_lock, lock) { expect_orders_needed(two_sections<TypeParam>, {}); }
TYPED_TEST(spin_lock, try_lock) { expect_orders_needed(a_section_and_an_attempt<TypeParam>, {}); }

// The locks that keep a queue.
template <class Lock>
void three_sections() {
  Lock lock;
  int n = 0;
  for (int i = 0; i < 3; ++i) {
    spawn([&] {
      lock.lock();
      ++n;
      lock.unlock();
    });
  }
  join_all();
  must(n == 3);
}

TEST(anderson_lock, orders) {
  expect_orders_needed(two_sections<conc::basic_anderson_lock<4>>, {});
  expect_orders_needed(a_section_and_an_attempt<conc::basic_anderson_lock<4>>, {});
}
// What is named below keeps two stores to one location in their order, or a load from an older one
// of them. The checker takes such stores in the order in which they are executed, so it cannot say
// that these orders are needed; nor that they are not.
TEST(mcs_lock, orders) {
  expect_orders_needed(three_sections<conc::mcs_lock>, {"mcs_lock.cc lock_slow: release 3"});
}

// The locks that are made of loads and stores alone.
template <class Lock>
auto sections_by_number(unsigned threads) {
  return [=] {
    std::unique_ptr<Lock> lock;
    if constexpr (std::is_default_constructible_v<Lock>) {
      lock = std::make_unique<Lock>();
    } else {
      lock = std::make_unique<Lock>(threads);
    }
    int n = 0;
    for (unsigned i = 0; i < threads; ++i) {
      spawn([&, i] {
        lock->lock(i);
        ++n;
        lock->unlock(i);
      });
    }
    join_all();
    must(n == static_cast<int>(threads));
  };
}

TEST(peterson_lock, orders) {
  expect_orders_needed(sections_by_number<conc::peterson_lock>(2),
                       {"peterson_lock.cc lock: seq_cst 2", "peterson_lock.cc lock: seq_cst 4"});
}
TEST(filter_lock, orders) {
  expect_sound(sections_by_number<conc::filter_lock>(3));
  expect_orders_needed(sections_by_number<conc::filter_lock>(2),
                       {"filter_lock.cc lock: seq_cst 2", "filter_lock.cc lock: seq_cst 3",
                        "filter_lock.cc unlock: seq_cst"});
}
TEST(bakery_lock, orders) {
  expect_sound(sections_by_number<conc::bakery_lock>(3));
  expect_orders_needed(sections_by_number<conc::bakery_lock>(2),
                       {"bakery_lock.cc is_before: seq_cst", "bakery_lock.cc lock: seq_cst 3"});
}

}  // namespace
