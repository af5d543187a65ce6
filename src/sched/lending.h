// Lending: how a processor gets away from a kernel thread that is about to block.
//
// processor::lease is the one word that decides who has the processor:
//
//   value    meaning                                               changed by
//   0        held: by its carrier, which runs threads on it        the borrower or the lender, by
//                                                                  compare-and-swap from odd to 0
//   odd      lent: its carrier is in a blocking section; the       the carrier, by a store, as the
//            rest of the word counts the loans                     last thing before the section
//
// A section that ends finds its own loan in the word and swaps it for 0: nobody came, it goes on.
// If the word has changed, somebody has the processor; the thread is made ready like one that comes
// from outside, and its carrier becomes a spare.
//
// Spares are carriers without a processor, asleep on their bell. As long as a processor is lent,
// one of them is the standby: it looks at the lent processors every tick, and takes one over whose
// loan is the same as at its last look. So a loan lasts one tick to two before it is called in, and
// short sections cost no system call while the standby is awake. It stays for some ticks after the
// last loan, then it sleeps without a time limit; a lender who finds no standby rings for one.
//
//   lender                               standby that gives up its post
//   1. lease = odd                       1. standby = false
//   2. ++lent         (seq_cst)          2. full barrier (1 is a locked instruction)
//   3. no standby? ring for a spare      3. lent != 0? try to become the standby again
//
// If 3 on the left still sees the standby, then 3 on the right sees the loan.
//
// Invariant: there are at least as many carriers as processors and blocking sections together, so
// that whoever takes a processor over leaves nobody behind without: a section that needs another
// kernel thread for that makes it on entry, and reports it there if the system refuses.
#ifndef CONC_SCHED_LENDING_H
#define CONC_SCHED_LENDING_H

#include <cstdint>

#include "conc/semaphore.h"
#include "locks/clock.h"
#include "locks/internal_lock.h"

namespace conc::detail {

struct carrier;

struct lending {
  explicit lending(std::uint32_t limit) noexcept : permits(limit) {}

  static constexpr std::uint32_t default_limit = 256;
  static constexpr std::uint32_t greatest_limit = 16'384;
  static constexpr nanos tick = 20'000;
  static constexpr int quiet_ticks = 8;  // that the standby stays without a loan
  // Spares beyond these many end when they have been idle for some time.
  static constexpr std::uint32_t lasting_spares = 4;
  static inline atomic<nanos> patience{10'000'000'000};  // only tests change it

  counting_semaphore<> permits;       // to be in a section
  atomic<std::uint32_t> sections{0};  // under way
  atomic<std::uint64_t> sections_ended{0};
  atomic<bool> stall_reported{false};
  atomic<std::uint64_t> taken_over{0};   // loans that were called in
  atomic<std::uint64_t> kept_for_io{0};  // times that a spare did not end for its operations' sake

  atomic<std::uint32_t> lent{0};  // processors that are lent at the moment
  atomic<bool> standby{false};    // a spare looks at them every tick

  internal_lock lock;  // of what follows
  carrier* spares = nullptr;
  std::uint32_t idle_spares = 0;
};

}  // namespace conc::detail

#endif  // CONC_SCHED_LENDING_H
