// The environment variables that set a runtime's options.
#ifndef CONC_SCHED_ENVIRONMENT_H
#define CONC_SCHED_ENVIRONMENT_H

#include "conc/runtime.h"

namespace conc::detail {

inline constexpr unsigned most_processors = 1024;

// What CONC_IO says about the engine of conc::io.
enum class io_choice : unsigned char { open, uring, epoll };

// Throws std::system_error (invalid_argument) for a name that is none.
io_choice io_choice_from_environment();

// `options` with what the environment says where they leave the choice to the library, and with
// everything checked and filled in. Throws std::system_error, naming the option or variable:
// invalid_argument for nonsense, not_supported for what this version does not have.
runtime_options resolved(runtime_options options);

}  // namespace conc::detail

#endif  // CONC_SCHED_ENVIRONMENT_H
