// What a processor has had to do, over time: how long it ran threads, how long it looked for some,
// and how many waited for it meanwhile.
//
// Nothing is counted at a switch. The holder notes how many threads wait where it reads the clock
// anyway, at each checkpoint (32 switches), and where it runs out of threads and finds some again.
// In between that number is taken to change evenly, which is what a mean over many such intervals
// needs; the thread that runs is known exactly, for there is one as long as the processor is busy.
// So the area under "threads in the system" is
//
//   time busy * 1  +  sum over the intervals of (waiting before + waiting after) / 2 * length,
//
// and divided by the time that has passed it is the L of Little's law, L = lambda W (John Little,
// "A proof for the queuing formula L = lambda W", 1961). lambda is known by the counters of what
// has left, and W follows.
//
// Readers see the words of one moment, and add what has happened since: a processor whose thread
// computes has no checkpoint, and must not look idle for it.
#ifndef CONC_SCHED_LOAD_H
#define CONC_SCHED_LOAD_H

#include <cstdint>

#include "conc/detail/atomic.h"
#include "locks/clock.h"

namespace conc::detail {

class load_record {
 public:
  explicit load_record(nanos begin) noexcept : since_(begin) {}

  // --- the processor's holder -------------------------------------------------------------------
  // Busy until now, with so many waiting at the moment.
  void note(nanos time, std::uint32_t waiting) noexcept { write(time, waiting, true, 0); }
  // So many have just been made ready at once, by a timer say: no even change.
  void note_jump(std::uint32_t waiting) noexcept {
    waiting_then_.store(waiting, memory_order_relaxed);
  }
  void begin_idling(nanos time) noexcept { write(time, 0, false, 0); }
  // The end of a search, whether or not it has found something.
  void note_search(nanos from, nanos until) noexcept { write(until, 0, false, until - from); }
  void begin_work(nanos time, std::uint32_t waiting) noexcept { write(time, waiting, true, 0); }
  bool is_busy() const noexcept { return busy_.load(memory_order_relaxed); }

  // --- anybody ----------------------------------------------------------------------------------
  struct reading {
    nanos running = 0;    // busy
    nanos searching = 0;  // idle, and looking for work elsewhere
    double waited = 0;    // by all threads together, in nanoseconds
  };
  // Up to `time`, with so many waiting then.
  reading read(nanos time, std::uint32_t waiting) const noexcept;

 private:
  void write(nanos time, std::uint32_t waiting, bool busy, nanos searched) noexcept;

  // Odd while the others change.
  atomic<std::uint32_t> version_{0};
  atomic<bool> busy_{false};
  atomic<std::uint32_t> waiting_then_{0};
  atomic<nanos> since_;
  atomic<nanos> running_{0}, searching_{0};
  atomic<double> waited_{0};
};

}  // namespace conc::detail

#endif  // CONC_SCHED_LOAD_H
