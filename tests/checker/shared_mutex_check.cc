// The shared mutexes' shipped templates under every order of events within the bounds.
#include <gtest/gtest.h>

#include <chrono>

#include "checker/check.h"
#include "checker/operations.h"
#include "conc/shared_mutex.h"
#include "locks/shared_core.h"

namespace {

using namespace conc::checker;
using namespace std::chrono_literals;
using conc::rw_preference;

// Plain data that only the lock protects: writers write it and readers read it. Threads below
// `hurried` may give up.
template <rw_preference P, class Lock = conc::basic_shared_timed_mutex<P>>
auto sections(int writers, int readers, int hurried_writers = 0, int hurried_readers = 0) {
  return [=] {
    Lock lock;
    int n = 0, gave_up[2] = {};
    for (int i = 0; i < writers; ++i) {
      spawn([&, i] {
        if (i == 1) as_user_thread();
        if (i >= hurried_writers) {
          lock.lock();
        } else if (!lock.try_lock_for(1ms)) {
          ++gave_up[i];
          return;
        }
        ++n;
        lock.unlock();
      });
    }
    for (int i = 0; i < readers; ++i) {
      spawn([&, i] {
        if (i == 1) as_user_thread();
        if (i >= hurried_readers) {
          lock.lock_shared();
        } else if (!lock.try_lock_shared_for(1ms)) {
          return;
        }
        must(n >= 0 && n <= writers);
        lock.unlock_shared();
      });
    }
    join_all();
    must(n == writers - gave_up[0] - gave_up[1]);
    must(lock.try_lock());
    lock.unlock();
  };
}

constexpr auto fair = rw_preference::phase_fair;

// With a bound of two, so that it is reached. Its counters are good for two readers.
class nearly_strict : public conc::detail::shared_core<fair, 3> {
 public:
  static_assert(max_bypass == 2);
  bool try_lock_for(std::chrono::milliseconds time) { return lock_until(after(time)); }
  bool try_lock_shared_for(std::chrono::milliseconds time) {
    return lock_shared_until(after(time));
  }

 private:
  static conc::detail::steady_nanos after(std::chrono::milliseconds time) {
    return conc::detail::deadline_after(time);
  }
};

template <class P>
class shared_mutex : public testing::Test {};
template <rw_preference P>
struct preference {
  static constexpr rw_preference value = P;
};
using preferences = testing::Types<preference<fair>, preference<rw_preference::reader>,
                                   preference<rw_preference::writer>>;
TYPED_TEST_SUITE(shared_mutex, preferences);

TYPED_TEST(shared_mutex, sections) {
  constexpr auto p = TypeParam::value;
  expect_sound(sections<p>(2, 1));
  expect_sound(sections<p>(1, 2));
  expect_sound(sections<p>(2, 2));
}

TYPED_TEST(shared_mutex, deadlines) {
  constexpr auto p = TypeParam::value;
  expect_sound(sections<p>(2, 1, 1, 0));
  expect_sound(sections<p>(1, 2, 0, 1));
  expect_sound(sections<p>(2, 2, 2, 1));
}

TEST(shared_mutex_bound, is_reached) {
  expect_sound(sections<fair, nearly_strict>(2, 1));
  expect_sound(sections<fair, nearly_strict>(3, 1));
  expect_sound(sections<fair, nearly_strict>(1, 2));
  expect_sound(sections<fair, nearly_strict>(2, 2));
  expect_sound(sections<fair, nearly_strict>(2, 2, 2, 1));
  expect_sound(sections<fair, nearly_strict>(3, 2, 1, 1));
}

// Most of what happens under the lock of the bucket is ordered by that already; and must_park()
// claims the lock only after a writer's withdrawal, which does not happen here.
template <rw_preference P>
std::set<std::string> ordered_by_the_bucket() {
  std::set<std::string> all = {"parking_queue.h enqueue: release",
                               "shared_core.h must_park: acquire",
                               "shared_readers.h must_wait: acquire 2"};
  if (P == rw_preference::phase_fair) {
    all.insert("shared_readers.h answer_call: acquire");
  } else {
    all.insert(
        {"shared_readers.h must_wait: acquire", "shared_readers.h must_wait on failure: acquire"});
  }
  if (P == rw_preference::reader) {
    all.insert({"shared_readers.h leave_under_lock: acquire",
                "shared_readers.h leave_under_lock: release"});
  }
  if (P == rw_preference::writer) all.insert("shared_readers.h let_writer_in: release");
  return all;
}

TYPED_TEST(shared_mutex, orders) {
  constexpr auto p = TypeParam::value;
  expect_orders_needed(sections<p>(2, 2), ordered_by_the_bucket<p>());
}

TYPED_TEST(shared_mutex, may_be_destroyed_by_its_last_user) {
  expect_sound([] {
    struct shared {
      conc::basic_shared_mutex<TypeParam::value> lock;
      int users = 3;
      conc::detail::atomic<int> readers{2};
    };
    auto* s = new shared;
    // The writer ends it when both readers have been let in, who may still be inside their unlock.
    for (int i = 0; i < 2; ++i) {
      spawn([s] {
        s->lock.lock_shared();
        s->readers.fetch_sub(1, conc::detail::memory_order_relaxed);
        s->lock.unlock_shared();
      });
    }
    spawn([s] {
      for (bool done = false; !done;) {
        s->lock.lock();
        done = s->readers.load(conc::detail::memory_order_relaxed) == 0;
        s->lock.unlock();
        if (!done) conc::checker::relax();
      }
      delete s;
    });
    join_all();
  });
}

TEST(shared_mutex_steps, of_the_phases) {
  constexpr auto writer = rw_preference::writer;
  expect_step_needed(sections<writer>(2, 1), "shared_reader_looks_again", "");
  expect_step_needed(sections<fair>(2, 1, 0, 1), "shared_last_late_reader", "");
  expect_step_needed(sections<writer>(2, 2, 2, 0), "shared_late_writer_reopens", "");
  expect_step_needed(sections<writer>(2, 1, 1, 0), "shared_wait_for_last_reader", "");
  expect_step_needed(sections<fair>(3, 1, 2, 0), "shared_late_designated_resigns", "");
  expect_step_needed(sections<fair>(3, 1), "shared_resign_as_designated", "");
  expect_step_needed(sections<fair>(2, 1), "shared_say_sleeping", "");
  expect_step_needed(sections<fair>(1, 2), "shared_last_reader_calls", "");
}

}  // namespace
