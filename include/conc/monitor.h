// Monitors: shared data, the procedures that work on them one at a time, and conditions to wait
// for. Three kinds, each from a header of its own:
//
//   mesa_monitor   a signal is a hint: who is signalled comes in later, and looks again
//   hoare_monitor  a signal hands the monitor over: what was signalled still holds for the waiter
//   region<T>      no signals at all: one awaits a predicate on the data
//
// A monitor is declared as a member of the object whose procedures it guards, its conditions behind
// it; each procedure begins with `const conc::guard inside(monitor_);`, or a std::lock_guard. What
// to take: region says the most with the least, mesa_monitor is for conditions that the program
// knows better how to signal, hoare_monitor for programs that are proved, or are to be read beside
// the literature.
#ifndef CONC_MONITOR_H
#define CONC_MONITOR_H

#include "conc/hoare_monitor.h"
#include "conc/mesa_monitor.h"
#include "conc/region.h"

namespace conc {

// The kind that is meant when nothing is said.
using monitor = mesa_monitor;

}  // namespace conc

#endif  // CONC_MONITOR_H
