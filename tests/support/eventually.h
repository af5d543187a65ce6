// Waiting for a condition that other threads bring about, with a deadline that only a broken
// program can miss.
#ifndef CONC_TESTS_SUPPORT_EVENTUALLY_H
#define CONC_TESTS_SUPPORT_EVENTUALLY_H

#include <chrono>

#include "conc/runtime.h"
#include "conc/thread.h"
#include "locks/parking_table.h"

namespace conc_test {

// Looks again and again until `condition()` holds; false if it does not within `limit`. From user
// threads and kernel threads.
template <class Condition>
bool eventually(Condition condition, std::chrono::seconds limit = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    conc::this_thread::yield();
    if (!condition()) conc::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

// Whether all threads that were ever begun there have ended. A thread counts as ended when its
// processor is through with it, which can be after its join.
inline bool eventually_all_ended(const conc::runtime& r) {
  return eventually([&] {
    const conc::runtime_stats s = r.stats();
    return s.finished == s.spawned;
  });
}

// How many tasks are queued in the parking table for this object.
inline int parked_at(const void* object) {
  conc::detail::parking_bucket& b = conc::detail::bucket_of(object);
  const conc::detail::internal_lock_guard guard(b.lock);
  int n = 0;
  for (auto* t = conc::detail::first_waiter(b, object); t != nullptr; t = t->next_waiter) ++n;
  return n;
}

// The same for all objects, for those whose address a test cannot know.
inline int parked_anywhere() {
  int n = 0;
  for (conc::detail::parking_bucket& b : conc::detail::conc_parking_table_v0) {
    const conc::detail::internal_lock_guard guard(b.lock);
    for (auto* q = b.first_queue; q != nullptr; q = q->next_queue) {
      for (auto* t = q; t != nullptr; t = t->next_waiter) ++n;
    }
  }
  return n;
}

inline bool eventually_parked(const void* object, int wanted) {
  return eventually([&] { return parked_at(object) == wanted; });
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_EVENTUALLY_H
