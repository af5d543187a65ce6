// The threads of an execution, stepped one at a time on one kernel thread.
//
// A thread runs until its next operation on an atomic; there the explorer says who goes on. What
// lies between two such operations is one step, which loses nothing, as plain memory that two
// threads use without order is reported as a race whichever comes first.
#ifndef CONC_TESTS_CHECKER_SCHEDULE_H
#define CONC_TESTS_CHECKER_SCHEDULE_H

#include <functional>
#include <string>

#include "checker/explorer.h"
#include "checker/memory.h"
#include "checker/sites.h"

namespace conc::checker {

// Runs `body` as thread 0 of an execution. Returns what went wrong, or nothing.
std::string execute(explorer& e, const std::function<void()>& body);

// The rest is for the threads of an execution.

bool executing();
int current_thread();
knowledge& current_knowledge();
void for_all_threads(const std::function<void(knowledge&)>& f);
memory& current_memory();
explorer& current_explorer();

// The next step is an operation of the current thread: perhaps another one goes first.
void before_operation();
// The same, but all others may go first: the current thread waits for something.
void give_way();
// Between two looks of a loop: blocks until another thread has changed a value in memory since the
// last time. All that has been stored until now is seen by the next look: a loop does not read one
// old value for ever. A thread that has read an old one, or spins for a bounded time, does not
// block.
void wait_for_change();
void note_change();
void note_old_value();

// The kernel's queue for an address. False if a sleep that may end by itself has done so.
bool sleep_on(const void* address, bool may_time_out);
int wake_from(const void* address, int count);

void spawn(std::function<void()> body);
void join_all();
void enter_bounded_spin(int by);  // 1, or -1 for its end

// Writes an operation down for the report.
void note(const char* what, int location, std::uint64_t value, unsigned age, const site* at);

// Ends the execution: the test has failed.
[[noreturn]] void fail(const std::string& why);

// While one of these exists, what the instrumented code does to plain memory is not looked at: it
// is the checker's own.
class own_business {
 public:
  own_business();
  ~own_business();
  static bool going_on();
};

}  // namespace conc::checker

#endif  // CONC_TESTS_CHECKER_SCHEDULE_H
