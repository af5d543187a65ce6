// A carrier that stands still for a moment, so that somebody can look at what runs on it.
//
// Asked by a signal, it stops in the handler, says where it was interrupted and waits until it may
// go on. Meanwhile the asker copies its stack, and does nothing else: the carrier may have stopped
// with any lock in its hands, malloc's included, that the asker must not wait for.
//
//   phase    idle --ask--> asked --handler--> arrived --asker, done--> idle
//                            |                   |
//                            +--asker, no answer +--handler, after a second--> idle
//
// Each step is a compare-and-swap, so that whoever gives up finds out whether the other has come
// after all. Nobody waits for ever: an asker that dies, or a carrier that blocks the signal, costs
// the other side a bounded time and the answer.
#ifndef CONC_SCHED_STANDSTILL_H
#define CONC_SCHED_STANDSTILL_H

#include <cstddef>
#include <cstdint>

#include "conc/detail/atomic.h"
#include "locks/clock.h"
#include "threads/unwind.h"

namespace conc::detail {

struct carrier;

struct standstill {
  static constexpr std::uint32_t idle = 0, asked = 1, arrived = 2;

  atomic<std::uint32_t> phase{idle};
  // The handler's, before it arrives:
  std::uint32_t who = 0;  // the task that runs here
  register_set registers;
};

// What was found on a carrier: the task that ran there, its registers, and its stack from the stack
// pointer up.
struct stopped_thread {
  std::uint32_t who = 0;
  register_set registers;
  std::size_t held = 0;
  std::byte copy[64 * 1024];
};

// Stops what runs on the carrier and copies it. False if it did not answer within a fifth of a
// second, or went on before the copy was complete. From any thread but the carrier's own; the
// carrier must not end meanwhile.
bool look_at_running(carrier& c, stopped_thread& out) noexcept;

// --- for other signal handlers of the library's -------------------------------------------------

// The carrier that the calling kernel thread is, also in a blocking section, when it has no
// processor; null if it is none.
carrier* carrier_here() noexcept;

}  // namespace conc::detail

#endif  // CONC_SCHED_STANDSTILL_H
