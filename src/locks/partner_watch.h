// Whom a kernel thread has woken, and what that says about its next wait.
//
// Two threads that take turns settle in one of two ways. Either each answers while the other still
// spins, and nobody enters the kernel; or each is asleep whenever the other answers. Spinning for C
// (block_cost.h) does not lead from the second to the first: C is what a block costs where it is
// cheapest, but a thread that sleeps on another CPU needs an interrupt, and answers L later
// (wake_latency.h), which may be ten times C. So whoever has just woken a sleeper, and waits now,
// knows more than that it waits:
//
//   the sleeper fell asleep    the next wait spins
//   on another CPU             until L after the wake: by then it will have run, and answered
//   on this CPU                not at all: it cannot run before we leave
//
// The price. A block across CPUs costs more than C as well, since the interrupt is paid by the
// waker: about L. To spin for it, once, is therefore what two-phase waiting does, with the C of
// other CPUs. But it is a guess that the one who was woken is the one waited for. After the n-th
// wrong guess in a row the next 2^n - 1 chances are let go, at most 127 of them. So wrong guesses
// cost at most 7 L after a right one, and an L for every 128 blocks from then on: less than a tenth
// of what those blocks cost if L is 10 C. Not to spin costs a block, C, for one that was just paid;
// to Karlin's factor of 2 that adds 1 at most.
#ifndef CONC_LOCKS_PARTNER_WATCH_H
#define CONC_LOCKS_PARTNER_WATCH_H

#include <algorithm>

#include "locks/clock.h"
#include "locks/mutants.h"

namespace conc::detail {

// A kernel thread's own; nobody else looks at it.
class partner_watch {
 public:
  static constexpr unsigned most_doublings = 7;

  // The owner has woken a thread that had fallen asleep on this CPU (`here`) or on another.
  void woke(nanos at, bool here) noexcept {
    at_ = at;
    here_ = here;
    news_ = true;
  }
  // Whether anybody was woken since the last wait: if not, the next one is worth C, as always.
  bool has_news() const noexcept { return news_; }

  // How long the wait that begins at `t` is worth spinning. `latency` is 0 if it is not known.
  nanos worth(nanos t, nanos cost, nanos latency) noexcept {
    news_ = false;
    const nanos left = at_ + std::max(cost, latency) - t;
    if (left <= 0) return cost;  // it has had its time
    if (here_ && CONC_STEP(partner_here_needs_the_cpu)) return 0;
    if (left <= cost) return cost;
    if (chances_to_let_go_ > 0) {
      --chances_to_let_go_;
      return cost;
    }
    guesses_ = true;
    return left;
  }

  // How the spinning ended that worth() was asked for.
  void ended(bool answered) noexcept {
    if (!guesses_) return;
    guesses_ = false;
    wrong_in_a_row_ = answered ? 0 : std::min(wrong_in_a_row_ + 1, most_doublings);
    if (CONC_STEP(partner_guesses_less)) chances_to_let_go_ = (1u << wrong_in_a_row_) - 1;
  }

 private:
  nanos at_ = 0;
  bool here_ = false, news_ = false, guesses_ = false;
  unsigned wrong_in_a_row_ = 0, chances_to_let_go_ = 0;
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_PARTNER_WATCH_H
