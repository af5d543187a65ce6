// A thread that has run over the end of its stack: who it was, and how it came there.
//
// The guard below the stack turns the overflow into a fault (SIGSEGV). Our handler runs on the
// carrier's alternate stack, writes a report, puts back what handled the signal before and returns:
// the fault happens again, and the process dies of it as it would have without us, with the right
// signal, at the right place for a core file, or in the program's own handler. Faults that are no
// overflow are passed on without a word.
#ifndef CONC_SCHED_OVERFLOW_H
#define CONC_SCHED_OVERFLOW_H

namespace conc::detail {

// Installs the handler, once a process.
void report_overflows() noexcept;

}  // namespace conc::detail

#endif  // CONC_SCHED_OVERFLOW_H
