// What a wait costs under a limit on spinning, against the least that it could have cost.
//
// A wait of length t costs t if it ends while its thread spins, and limit + C if the thread gives
// up and blocks: C is the CPU time of one block and wake. Somebody who knew t beforehand would pay
// min(t, C). With the limit at C no wait costs more than twice that, whatever the waits are; with
// any other limit some sequence of waits does worse. That is the competitive analysis of Karlin,
// Li, Manasse and Owicki (1991); what these waits really were is measured.
#ifndef CONC_BENCH_SUPPORT_COMPETITIVE_H
#define CONC_BENCH_SUPPORT_COMPETITIVE_H

#include <algorithm>
#include <limits>
#include <vector>

#include "support/clock.h"

namespace bench {

struct limit {
  const char* name;
  double factor;  // of C; infinite: never block
};

inline constexpr double for_ever = std::numeric_limits<double>::infinity();
inline constexpr limit limits[] = {{"none", 0}, {"C/4", 0.25}, {"C/2", 0.5}, {"C", 1},
                                   {"2C", 2},   {"4C", 4},     {"8C", 8},    {"always", for_ever}};

struct waiting_cost {
  double ratio = 1;  // all waits together, relative to the best possible
  double worst = 1;  // the worst single wait
};

inline double best_cost(double wait, double block) { return std::min(wait, block); }

inline waiting_cost cost_of(const std::vector<nanos>& waits, double factor, double block) {
  const double give_up = factor * block;
  double all = 0, best = 0, worst = 1;
  for (nanos t : waits) {
    const double wait = static_cast<double>(std::max<nanos>(t, 1));
    const double cost = wait <= give_up ? wait : give_up + block;
    all += cost;
    best += best_cost(wait, block);
    worst = std::max(worst, cost / best_cost(wait, block));
  }
  return {best == 0 ? 1 : all / best, worst};
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_COMPETITIVE_H
