// Alone in a process, glibc's mutex leaves out its atomic instructions, which no program with
// threads sees. So there is always a second kernel thread.
#ifndef CONC_BENCH_SUPPORT_SECOND_THREAD_H
#define CONC_BENCH_SUPPORT_SECOND_THREAD_H

#include <unistd.h>

#include <thread>

namespace bench {

inline void keep_a_second_thread() {
  std::thread([] {
    for (;;) pause();
  }).detach();
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_SECOND_THREAD_H
