// Races on plain memory: the instrumented code says what it reads and writes, and two accesses of
// which one writes must be ordered by happens-before, whichever came first in this execution.
//
// The detector is the usual one of vector clocks: Flanagan and Freund, "FastTrack: efficient and
// precise dynamic race detection", 2009.
#ifndef CONC_TESTS_CHECKER_PLAIN_H
#define CONC_TESTS_CHECKER_PLAIN_H

namespace conc::checker {

void reset_plain_memory();

}  // namespace conc::checker

#endif  // CONC_TESTS_CHECKER_PLAIN_H
