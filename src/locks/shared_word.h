// The state word of a shared mutex, and its legal transitions.
//
//   63 ....... 40 | 39 ..... 16 | 15 ... 6 | 5        | 4     | 3    | 2      | 1      | 0
//   departures    | arrivals    | bypasses | sleeping | phase | open | waking | parked | writer
//
// writer      the door is closed: a writer is inside, or has a right to come next. While it is
//             clear every reader who arrives is inside.
// parked      writers are queued in the parking table, at the word's address. Changes only under
//             the bucket's lock, together with the queue.
// waking      one writer has been woken to compete and has not decided yet: the designated one.
// open        the door is closed, but no writer is inside yet.
// phase       changes when a writer who leaves lets in the readers who wait, so that each of them
//             can tell, also one who has been counted but not got as far as the queue. By the next
//             change all of those have noticed and left.
// sleeping    readers are queued, at the address behind the word's and in the same bucket, or have
//             been called (woken to compete; `called_` says how many) and have not decided yet.
//             Changes only under the bucket's lock.
// bypasses    how often others got in since the oldest waiter became the oldest: writers before
//             readers, and anybody before a writer. Counted for both in one, so it may be too high,
//             never too low. While the door is open and writers wait, `arrivals` counts instead,
//             upwards from `no_passes`: a reader who comes in is a pass without being told so, and
//             its top bit says that the bound is reached.
// arrivals    door open: how many readers came in since the counters began.
//             door closed: how many came since it was closed and are awake; they wait. A reader who
//             falls asleep takes itself back.
// departures  door open: minus how many readers left, so that the sum of both counters is how many
//             are inside (modulo the counters' width).
//             door closed: how many readers are still inside; the writer waits for them.
//
// So a reader adds one to `arrivals` to come in and takes one from `departures` to leave, whatever
// the state is: one read-modify-write each, which cannot fail and tells by what it replaced whether
// there is more to do. The other transitions are compare-and-swaps.
//
// Below the bound nobody is given the lock while he sleeps: whoever runs may have it, and sleepers
// are woken to compete. At the bound (max_bypass) it is handed over in phases.
//
//   state           writer open  what a reader does        what a writer does
//   free              0     0    in                        in (claim), also past those who sleep
//   read              0     0    in; the one who reaches   parks, the door stays open
//                                the bound closes the door
//   leaving (> 0)     1     1    waits for the next phase  parks
//   at the door       1     1    waits for the next phase  designated: in (claim); others park
//   written           1     0    waits for the next phase  parks
//
//   the last one who leaves        door open, writers parked, none awake: the oldest is designated
//                                  door closed, none awake: the oldest is granted the lock
//   a writer that unlocks,         the readers who are awake are in, in a new phase, and the door
//   below the bound                is open. If readers sleep and none are called they are called;
//                                  if nobody came in and no writer is awake the oldest one is
//                                  designated
//   at the bound: with readers     all are in, in a new phase, awake, called or asleep; "leaving",
//                                  if writers wait as well
//     with writers only            at the door, if one is designated; else the oldest is granted
//                                  the lock
//   the reader at the bound        those who sleep or are called are in; leaving
//
//   a called reader                in, or counted as one who waits. If it then has to sleep again,
//                                  the bound counts as reached. The last of those who were called
//                                  calls others who fell asleep meanwhile, if the door is open
//   a parked or designated writer  the last one, the door being closed: it opens again, in the same
//   that gives up                  phase, and who sleeps is in
//                                  else: the others wait on
//
// When a door reopens in the same phase, readers who have been counted and are not queued yet
// cannot tell by the phase. Their number is kept beside the word (`unnoticed_`, under the bucket's
// lock, which they are about to take): who closes the door again counts them among those who wait.
//
// Invariants: 1. `sleeping` if and only if readers are queued or called. With the door open and
// readers queued, some are called. 2. With the door open, writers parked, nobody inside and
// `waking` clear, the last reader to leave is on its way to the bucket's lock, or an answer of a
// called reader will come: nobody is forgotten. 3. `open` means that somebody is parked or waking,
// and that nobody is called. 4. Readers are inside with the door closed only while `open`.
// 5. At the closed door without `waking`, the last reader to leave is on its way to let the oldest
// parked writer in. Until it has been there nobody else may let him in, and the last parked writer
// may not give up: else the mutex could be destroyed under that reader's feet. (With the door open
// the last reader finds out whether there still is a mutex: call_writer().)
// 6. If nobody waits `bypasses` is zero.
//
// The bound. Each pass adds at least one to the count of whom it passes. The count goes down only
// where the oldest of both kinds is served: a writer who is in by right begins it anew if no reader
// sleeps, and after a closed door, behind which all older readers were let in. At the bound a
// newcomer can no longer claim the lock, and a writer who leaves lets in all readers who wait.
//
// The other preferences keep to theirs to the letter: they hand over at every unlock, never call
// readers and never count passes in `arrivals`. A writer who parks closes the door, if writers are
// preferred, and an unlock designates the next one ("at the door"; newcomers may pass it, up to the
// bound). With preference for readers the door stays open, `open` and `waking` are never set, and a
// reader leaves by compare-and-swap; with writers parked under the bucket's lock, while its share
// is still its own. Writers are granted the lock, by the last reader or by a writer who leaves when
// no reader waits.
//
// Source: Brandenburg and Anderson, "Spin-based reader-writer synchronization for multiprocessor
// real-time systems", 2010 (the phases, and counters that are only added to); the designated writer
// and the bound on bypasses are conc::mutex's.
#ifndef CONC_LOCKS_SHARED_WORD_H
#define CONC_LOCKS_SHARED_WORD_H

#include <algorithm>

#include "conc/detail/shared_core.h"
#include "locks/mutants.h"

namespace conc::detail {

template <rw_preference Preference, unsigned Bits>
struct shared_word : shared_layout<Bits> {
  using layout = shared_layout<Bits>;
  using layout::arrivals, layout::departures, layout::inside, layout::is_free;
  using layout::sleeping;
  using layout::writer, layout::parked, layout::waking, layout::open, layout::phase;
  static constexpr std::uint32_t max_bypass = shared_core<Preference, Bits>::max_bypass;

  static constexpr bool is_fair = Preference == rw_preference::phase_fair;
  static constexpr std::uint64_t reserved = max_bypass * layout::one_bypass;
  // What `arrivals` begins at when the passes are counted there: its top bit is set when one more
  // is allowed, so that the reader who makes that one is told.
  static constexpr std::uint64_t no_passes = (layout::count_mask + 1) / 2 - (max_bypass - 1);

  static std::uint64_t counters(std::uint64_t arrived, std::uint64_t departed) noexcept {
    return (arrived & layout::count_mask) << layout::arrivals_shift |
           (departed & layout::count_mask) << layout::departures_shift;
  }
  static std::uint64_t flags(std::uint64_t w) noexcept { return w & (layout::one_arrival - 1); }
  static bool is_new_phase(std::uint64_t w, std::uint64_t before) noexcept {
    return ((w ^ before) & phase) != 0;
  }
  static bool writers_wait(std::uint64_t w) noexcept { return (w & (parked | waking)) != 0; }
  static bool readers_pass(std::uint64_t w) noexcept {
    return is_fair && writers_wait(w) && (w & writer) == 0;
  }
  static std::uint64_t bypasses(std::uint64_t w) noexcept {
    return readers_pass(w) ? arrivals(w) - no_passes
                           : (w & layout::bypass_mask) / layout::one_bypass;
  }
  static bool is_reserved(std::uint64_t w) noexcept {
    return !is_fair || (bypasses(w) >= max_bypass && CONC_STEP(shared_reserve));
  }
  // `w`, which counts no passes, with that number of them, and of readers inside.
  static std::uint64_t with(std::uint64_t w, std::uint64_t passes, std::uint64_t n) noexcept {
    w &= layout::one_bypass - 1;
    passes = std::min<std::uint64_t>(passes, max_bypass);
    if (readers_pass(w)) return w | counters(no_passes + passes, n - no_passes - passes);
    if (!writers_wait(w) && (w & sleeping) == 0) passes = 0;
    return w | passes * layout::one_bypass | counters(n, 0);
  }

  // "At the door": nobody is inside, and the writer who comes next may take it.
  static bool at_the_door(std::uint64_t w) noexcept {
    return (w & open) != 0 && departures(w) == 0;
  }
  static bool claimable(std::uint64_t w, bool designated) noexcept {
    if (is_free(w)) return true;
    if (is_fair && (w & writer) == 0) return inside(w) == 0 && (designated || !is_reserved(w));
    if (!at_the_door(w)) return false;
    return designated || (!is_fair && (w & waking) != 0 && bypasses(w) < max_bypass);
  }
  // The word after a writer has claimed it.
  static std::uint64_t claimed(std::uint64_t w, bool designated) noexcept {
    if (is_free(w)) return (w & phase) | writer;
    if ((w & writer) == 0) {
      const std::uint64_t passes = bypasses(w) + 1;
      w |= writer;
      if (designated) w &= ~waking;
      return with(w, designated && (w & sleeping) == 0 ? 0 : passes, 0);
    }
    w &= ~open;
    return designated ? served(w & ~waking) : w + layout::one_bypass;
  }
  // The oldest writer is in from behind a closed door, and the next one is the oldest. Readers who
  // sleep came after the door had been closed, so this is the first to pass them.
  static std::uint64_t served(std::uint64_t w) noexcept {
    return (w & ~layout::bypass_mask) | (is_fair && (w & sleeping) != 0 ? layout::one_bypass : 0);
  }
  // Counters that start anew, with the door open and no writer waiting.
  static std::uint64_t rebased(std::uint64_t w) noexcept {
    return flags(w) | counters(inside(w), 0);
  }
  // The first writer waits, but the door stays open.
  static std::uint64_t left_open(std::uint64_t w) noexcept {
    return with(w | parked, bypasses(w), inside(w));
  }
  // The door closes behind the readers that are inside, but for `unnoticed` ones, who wait again;
  // `let_in` of those who sleep come in before that.
  static std::uint64_t closed(std::uint64_t w, std::uint64_t unnoticed,
                              std::uint64_t let_in) noexcept {
    const std::uint64_t still_inside = inside(w) - unnoticed + let_in;
    if constexpr (is_fair) w = (w & ~(layout::bypass_mask | sleeping)) | reserved;
    return flags(w) | writer | (still_inside != 0 ? open : 0) | counters(unnoticed, still_inside);
  }
  // A writer leaves. The readers who are awake are in, and others may come.
  static std::uint64_t opened(std::uint64_t w) noexcept {
    const std::uint64_t n = arrivals(w);
    return with(((w & phase) ^ phase) | (w & (parked | waking | sleeping)),
                bypasses(w) + (writers_wait(w) ? n : 0), n);
  }
  // Whether that is all: nobody has to be woken. A writer who sleeps is left to the last of those
  // readers.
  static bool concerns_nobody_asleep(std::uint64_t w) noexcept {
    return is_fair && (w & sleeping) == 0 && !is_reserved(w) &&
           ((w & parked) == 0 || (w & waking) != 0 || arrivals(w) != 0);
  }
  // The same, with `n` readers in, which are all who wait.
  static std::uint64_t let_all_in(std::uint64_t w, std::uint64_t n) noexcept {
    return ((w & phase) ^ phase) | (w & parked) | counters(n, 0);
  }
  // The same while others are still inside: the writer who closed the door has withdrawn. Of those
  // who wait, `asleep` are not counted.
  static std::uint64_t reopened(std::uint64_t w, std::uint64_t asleep) noexcept {
    return (w & phase) | counters(arrivals(w) + departures(w) + asleep, 0);
  }
  // All `n` readers who wait are in, and the door is closed behind them: a writer comes next.
  static std::uint64_t batch_let_in(std::uint64_t w, std::uint64_t n) noexcept {
    return ((w & (phase | parked | waking)) ^ phase) | reserved | writer | open | counters(0, n);
  }
  // One of the bits that say that somebody waits is cleared. If it was the last one, there is
  // nobody left to be passed.
  static std::uint64_t without(std::uint64_t w, std::uint64_t bits) noexcept {
    const bool passing = readers_pass(w);
    const std::uint64_t passes = bypasses(w), left = w & ~bits;
    if (writers_wait(left)) return left;
    if (passing) return with(left, passes, inside(w));
    return (left & sleeping) != 0 ? left : left & ~layout::bypass_mask;
  }
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_SHARED_WORD_H
