// The state word of a shared mutex, and its legal transitions.
//
//   63 ....... 40 | 39 ..... 16 | 15 ... 5 | 4     | 3    | 2      | 1      | 0
//   departures    | arrivals    | bypasses | phase | open | waking | parked | writer
//
// writer      the door is closed: a writer is inside, or has a right to come next. While it is
// clear
//             every reader who arrives is inside.
// parked      writers are queued in the parking table, at the word's address. Changes only under
//             the bucket's lock, together with the queue. Readers queue at the address behind it,
//             in the same bucket; no bit says so, they are counted.
// waking      one writer has been woken to compete and has not decided yet: the designated one.
// open        the door is closed, but no writer is inside yet.
// phase       changes when a writer who leaves lets in the readers who wait, so that each of them
// can
//             tell, also one who has been counted but not got as far as the queue. By the next
//             change all of those have noticed and left.
// bypasses    how often writers got in before the oldest waiting writer since it became the oldest.
// arrivals    door open: how many readers came in since the counters began.
//             door closed: how many came since it was closed; they wait.
// departures  door open: minus how many readers left, so that the sum of both counters is how many
//             are inside (modulo the counters' width).
//             door closed: how many readers are still inside; the writer waits for them.
//
// So a reader adds one to `arrivals` to come in and takes one from `departures` to leave, whatever
// the state is: one read-modify-write each, which cannot fail and tells by what it replaced whether
// there is more to do. The other transitions are compare-and-swaps.
//
//   state           writer open  what a reader does        what a writer does
//   free              0     0    in                        in (claim)
//   read              0     0    in                        closes the door behind those inside,
//                                                          parks
//   leaving (> 0)     1     1    waits for the next phase  parks
//   at the door       1     1    waits for the next phase  designated: in (claim); a newcomer also,
//                                                          if one is designated and within the
//                                                          bound
//   written           1     0    waits for the next phase  parks
//
//   the last one who leaves        a writer is designated: nothing, it will find the door free;
//                                  else the oldest parked writer is granted the lock
//   a writer that unlocks with     nobody waits          free
//                                  readers               read, in a new phase: all who wait are in;
//                                                        "leaving" instead if writers wait as well
//                                  writers only          at the door, the oldest is designated; or
//                                                        granted the lock, once it was bypassed
//                                                        often
//
//   a parked or designated writer  the last one: the door opens again, in the same phase
//   that gives up                  another: the others wait on
//
// When a door reopens in the same phase, readers who have been counted and are not queued yet
// cannot tell by the phase. Their number is kept beside the word (`unnoticed`, under the bucket's
// lock, which they are about to take): a writer who closes the door again counts them among those
// who wait.
//
// Invariants: 1. With the door open, `parked`, `waking` and `bypasses` are clear.  2. `open` means
// that somebody is parked or waking.  3. Readers are inside with the door closed only while `open`.
// 4. At the door without `waking`, the last reader to leave is on its way to the bucket's lock to
// let the oldest parked writer in. Until it has been there, nobody else may let him in, no newcomer
// may claim the lock, and the last parked writer may not give up: else the mutex could be destroyed
// under that reader's feet.
//
// The preference for readers has another protocol for leaving: writers who wait do not close the
// door, so `parked` stands with the door open (and readers inside), `open` and `waking` are never
// set, and a reader leaves by compare-and-swap; with writers parked under the bucket's lock, while
// its share is still its own. Writers are granted the lock, by the last reader or by a writer who
// leaves when no reader waits.
//
// Source: Brandenburg and Anderson, "Spin-based reader-writer synchronization for multiprocessor
// real-time systems", 2010 (the phases, and counters that are only added to); the designated writer
// and the bound on bypasses are conc::mutex's.
#ifndef CONC_LOCKS_SHARED_WORD_H
#define CONC_LOCKS_SHARED_WORD_H

#include "conc/detail/shared_core.h"
#include "locks/mutants.h"

namespace conc::detail {

template <rw_preference Preference, unsigned Bits>
struct shared_word : shared_layout<Bits> {
  using layout = shared_layout<Bits>;
  using layout::arrivals, layout::departures, layout::inside, layout::is_free;
  using layout::writer, layout::parked, layout::waking, layout::open, layout::phase;
  static constexpr std::uint32_t max_bypass = shared_core<Preference, Bits>::max_bypass;

  static std::uint64_t counters(std::uint64_t arrived, std::uint64_t departed) noexcept {
    return arrived << layout::arrivals_shift | (departed & layout::count_mask)
                                                   << layout::departures_shift;
  }
  static std::uint64_t flags(std::uint64_t w) noexcept { return w & (layout::one_arrival - 1); }
  static std::uint64_t bypasses(std::uint64_t w) noexcept {
    return (w & layout::bypass_mask) / layout::one_bypass;
  }
  static bool writers_wait(std::uint64_t w) noexcept { return (w & (parked | waking)) != 0; }

  // "At the door": nobody is inside, and the writer who comes next may take it.
  static bool at_the_door(std::uint64_t w) noexcept {
    return (w & open) != 0 && departures(w) == 0;
  }
  static bool claimable(std::uint64_t w, bool designated) noexcept {
    if (is_free(w)) return true;
    if (!at_the_door(w)) return false;
    return designated || ((w & waking) != 0 && bypasses(w) < max_bypass);
  }
  // The word after a writer has claimed it.
  static std::uint64_t claimed(std::uint64_t w, bool designated) noexcept {
    if (is_free(w)) return (w & phase) | writer;
    w &= ~open;
    return designated ? w & ~(waking | layout::bypass_mask) : w + layout::one_bypass;
  }
  // Counters that start anew, with the door open.
  static std::uint64_t rebased(std::uint64_t w) noexcept {
    return flags(w) | counters(inside(w), 0);
  }
  // The door closes behind the readers that are inside, but for `unnoticed` ones, who wait again.
  static std::uint64_t closed(std::uint64_t w, std::uint64_t unnoticed) noexcept {
    const std::uint64_t still_inside = inside(w) - unnoticed;
    return flags(w) | writer | (still_inside != 0 ? open : 0) | counters(unnoticed, still_inside);
  }
  // All readers who wait are in, and nobody wants to write.
  static std::uint64_t opened(std::uint64_t w) noexcept {
    return ((w & phase) ^ phase) | (w & parked) | counters(arrivals(w), 0);
  }
  // The same while others are still inside: the writer who closed the door has withdrawn.
  static std::uint64_t reopened(std::uint64_t w) noexcept {
    return (w & phase) | counters(arrivals(w) + departures(w), 0);
  }
  // All readers who wait are in, and the door is closed behind them: a writer comes next. The
  // designated one, if there is one, is not bypassed any more.
  static std::uint64_t batch_let_in(std::uint64_t w) noexcept {
    const std::uint64_t reserved = (w & waking) != 0 && CONC_STEP(shared_reserve_for_designated)
                                       ? max_bypass * layout::one_bypass
                                       : w & layout::bypass_mask;
    return ((w & (phase | parked | waking)) ^ phase) | reserved | writer | open |
           counters(0, arrivals(w));
  }
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_SHARED_WORD_H
