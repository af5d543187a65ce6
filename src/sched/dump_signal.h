// The signal that makes the process write down what all its threads do.
#ifndef CONC_SCHED_DUMP_SIGNAL_H
#define CONC_SCHED_DUMP_SIGNAL_H

#include <string_view>

namespace conc::detail {

// The number of the signal called "QUIT", "SIGQUIT" or "3"; 0 if there is none.
int signal_called(std::string_view name) noexcept;

// What CONC_DUMP_SIGNAL asks for, once a process. Throws as conc::dump_on_signal() does.
void dump_as_environment_says();

}  // namespace conc::detail

#endif  // CONC_SCHED_DUMP_SIGNAL_H
