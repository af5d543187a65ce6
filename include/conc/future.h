// conc::future, shared_future, promise, packaged_task and async: values that are not there yet.
//
// As their namesakes in <future>, with the same error codes, for user-level threads and kernel
// threads at once: either kind may wait for, make ready and destroy the same state.
//
// Blocking: wait(), wait_for(), wait_until() and get() suspend the caller; so may the end of the
//   last owner of a state that async() with launch::async has made. Nothing else blocks.
// Order: what a thread did before it made the state ready happens before the return of every wait
//   for it, and of a wait_for() or wait_until() that reports future_status::ready.
// Time: a timed wait never gives up early; wait_for() and wait_until() never run a deferred
//   function. Deadlines are kept on the steady clock, other clocks are asked again.
// Destruction: whoever has found the state ready may destroy everything at once, also the promise
//   whose set_value() has not returned yet.
// Cost: one allocation for each state, with the callable in it; one more for what is left to a
//   thread's end.
// Errors: std::future_error with future_already_retrieved, promise_already_satisfied, no_state
//   (every member of an object without a state that needs one) and broken_promise.
// Source: ISO C++20, [futures].
#ifndef CONC_FUTURE_H
#define CONC_FUTURE_H

#include <future>

#include "conc/detail/async.h"
#include "conc/detail/future_types.h"
#include "conc/detail/packaged_task.h"
#include "conc/detail/promise.h"

namespace conc {

using std::future_category;
using std::future_errc;
using std::future_error;
using std::future_status;
using std::launch;

}  // namespace conc

#endif  // CONC_FUTURE_H
