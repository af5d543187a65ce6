// Everything at once: readers and writers of both kinds, trying, patient and with deadlines.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>

#include "conc/shared_mutex.h"
#include "locks/shared_core.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using conc::rw_preference;
using conc_test::crew;
using conc_test::scaled;

// `deadlines`: how many of a hundred entries have one, of some microseconds, which pass at every
// stage of a wait.
template <rw_preference P>
void crowd(int deadlines, int writers) {
  conc::basic_shared_timed_mutex<P> m;
  std::atomic<int> readers{0};
  long value = 0;
  std::atomic<long> written{0};
  const int rounds = scaled(2'000);
  crew()
      .mixed(10,
             [&](int me) {
               std::minstd_rand random(static_cast<unsigned>(me + 1));
               for (int i = 0; i < rounds; ++i) {
                 const auto time = std::chrono::microseconds(random() % 30);
                 const bool timed = static_cast<int>(random() % 100) < deadlines;
                 if (static_cast<int>(random() % 100) < writers) {
                   if (timed ? !m.try_lock_for(time) : (m.lock(), false)) continue;
                   EXPECT_EQ(readers, 0);
                   ++value;
                   if (random() % 32 == 0) conc::this_thread::yield();
                   EXPECT_EQ(readers, 0);
                   m.unlock();
                   ++written;
                 } else {
                   if (timed ? !m.try_lock_shared_for(time) : (m.lock_shared(), false)) continue;
                   ++readers;
                   if (random() % 32 == 0) conc::this_thread::yield();
                   --readers;
                   m.unlock_shared();
                 }
               }
             })
      .join();
  EXPECT_EQ(value, written);
  EXPECT_EQ(conc_test::parked_at(&m), 0);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

template <rw_preference P>
void crowds() {
  for (const int deadlines : {0, 30, 95}) {
    for (const int writers : {5, 50, 95}) crowd<P>(deadlines, writers);
  }
}

TEST(shared_mutex_stress, phase_fair) { crowds<rw_preference::phase_fair>(); }
TEST(shared_mutex_stress, prefer_readers) { crowds<rw_preference::reader>(); }
TEST(shared_mutex_stress, prefer_writers) { crowds<rw_preference::writer>(); }

// Writers who give up all the time, and readers who never do: each withdrawal opens a door, and no
// reader may be forgotten behind it, however far it has got on its way to the queue. (Narrow
// counters have a small bound, so that doors are closed all the time.)
TEST(shared_mutex_stress, doors_that_reopen) {
  conc::detail::shared_core<rw_preference::phase_fair, 4> m;
  std::atomic<bool> stop{false};
  std::atomic<long> gave_up{0};
  crew writers, readers;
  writers.mixed(4, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 1));
    while (!stop) {
      if (m.lock_until(conc::detail::steady_now() + static_cast<long>(random() % 10'000))) {
        m.unlock();
      } else {
        ++gave_up;
      }
    }
  });
  const int rounds = scaled(30'000);
  readers.mixed(5, [&](int me) {
    for (int i = 0; i < rounds; ++i) {
      m.lock_shared();
      if ((i + me) % 8 == 0) conc::this_thread::yield();
      m.unlock_shared();
    }
  });
  readers.join();
  stop = true;
  writers.join();
  EXPECT_GT(gave_up, 0);
}

}  // namespace
