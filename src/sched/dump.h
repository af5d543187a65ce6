// What all threads do, as text.
#ifndef CONC_SCHED_DUMP_H
#define CONC_SCHED_DUMP_H

#include <ostream>
#include <span>

namespace conc::detail {

struct scheduler;

// Writes the threads of these runtimes and the kernel threads that wait in the library. The
// runtimes must stay alive meanwhile. Throws std::bad_alloc and whatever the stream throws.
void dump(std::ostream& out, std::span<scheduler* const> runtimes);

}  // namespace conc::detail

#endif  // CONC_SCHED_DUMP_H
