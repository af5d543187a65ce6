// The spin locks' shipped headers under every order of events.
#include <gtest/gtest.h>

#include "checker/check.h"
#include "conc/cas_lock.h"
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

}  // namespace
