// How a test uses the checker.
//
// A scenario is a function that runs anew in every execution: it makes its objects, starts threads,
// waits for them and says what must be true:
//
//     void two_increments() {
//       conc::tas_lock lock;
//       int n = 0;
//       for (int i = 0; i < 2; ++i) spawn([&] { std::lock_guard held(lock); ++n; });
//       join_all();
//       must(n == 2);
//     }
//
// Threads start as kernel threads to the library; as_user_thread() makes a user-level thread of the
// caller. What fails an execution: must(), a race on plain memory, an atomic used before its
// construction or after its destruction, everybody waiting, the library's own fatal(), no end.
#ifndef CONC_TESTS_CHECKER_CHECK_H
#define CONC_TESTS_CHECKER_CHECK_H

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "checker/explorer.h"
#include "checker/sites.h"

namespace conc::checker {

// --- for scenarios -------------------------------------------------------------------------------
void spawn(std::function<void()> body);
void join_all();
void as_user_thread();
void must(bool condition, std::source_location at = std::source_location::current());

// --- for tests -----------------------------------------------------------------------------------
using scenario = std::function<void()>;

struct verdict {
  bool failed = false;
  bool complete = false;  // every execution within the bounds was looked at
  long executions = 0;
  std::string report;  // of the failure
  std::vector<mutant> mutants;
};

// What is left out of the library for one search: a memory order, by its key, or a step.
struct omission {
  std::string order = {}, step = {};
};

// In a process of its own, so that a failure leaves nothing behind.
verdict search(const scenario& s, const plan& p, const omission& without = {});

// The plans of a test, one after the other; the first failure ends it. CONC_CHECK_EFFORT=N in the
// environment makes the usual ones N times as long.
using plans = std::vector<plan>;
plans usual_plans(int preemptions = 2, int stale_reads = 2);
// The same, so many times as long: for what only happens after several coincidences.
plans longer_plans(long times);

// No execution fails.
void expect_sound(const scenario& s, const plans& p = usual_plans());
// And with any of the orders that it uses left out some execution does, but for those named.
void expect_orders_needed(const scenario& s, const std::set<std::string>& not_needed,
                          const plans& p = usual_plans());
// With the step left out some execution fails, with these words in the report.
void expect_step_needed(const scenario& s, const std::string& step, const std::string& words,
                        const plans& p = usual_plans());
// Some execution fails, with these words.
void expect_failure(const scenario& s, const std::string& words, const plans& p = usual_plans());

}  // namespace conc::checker

#endif  // CONC_TESTS_CHECKER_CHECK_H
