// The cigarette smokers: each has plenty of one ingredient and needs the other two.
//
// An agent puts two of the three on the table, and only the smoker who has the third may take them.
// With plain semaphores, one for each ingredient, that cannot be said: the smoker who takes tobacco
// first may be the wrong one, and then nobody can go on. A wait for a condition on the whole table
// says it in a line. Patil stated the problem in 1971, Parnas showed in 1975 what solves it.
//
// Checked: what lies on the table is taken by the smoker who lacks exactly that, one a round, and
// every round ends.
#include <conc/conc.h>

#include <array>
#include <cstdio>
#include <random>
#include <vector>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

constexpr std::array ingredients{"tobacco", "paper", "matches"};

struct table {
  // The ingredient that does not lie on it, while the other two do.
  int missing = nobody_yet;
  unsigned smoked = 0;

  static constexpr int nobody_yet = -1, closed = -2;
};

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const unsigned rounds = given.number("rounds", 100'000, "that the agent lays out");
  const unsigned kernel = given.number("kernel-threads", 1, "smokers on kernel threads", 0);
  const unsigned each = given.number("smokers", 2, "for each ingredient");
  given.finish();

  conc::region<table> shared;
  std::array<unsigned, 3> laid{};
  std::vector<unsigned> smoked(3 * each);

  const auto start = examples::clock::now();
  examples::crew smokers(3 * each, kernel, [&](unsigned me) {
    const int mine = static_cast<int>(me % 3);
    for (;;) {
      auto at = shared.enter();
      at.await([&](const table& t) { return t.missing == mine || t.missing == table::closed; });
      if (at->missing == table::closed) return;
      at->missing = table::nobody_yet;  // takes both
      ++at->smoked;
      ++smoked[me];
    }
  });
  examples::crew agent(1, 0, [&](unsigned) {
    std::minstd_rand random(1);
    for (unsigned round = 0; round < rounds; ++round) {
      auto at = shared.enter();
      at.await([](const table& t) { return t.missing == table::nobody_yet; });
      if (at->smoked != round) fail("%u have smoked in %u rounds", at->smoked, round);
      at->missing = static_cast<int>(random() % 3);
      ++laid[static_cast<unsigned>(at->missing)];
    }
    auto at = shared.enter();
    at.await([](const table& t) { return t.missing == table::nobody_yet; });
    at->missing = table::closed;
  });
  agent.join();
  smokers.join();

  for (unsigned i = 0; i < 3; ++i) {
    unsigned by_them = 0;
    for (unsigned s = i; s < smoked.size(); s += 3) by_them += smoked[s];
    if (by_them != laid[i]) {
      fail("%u rounds lacked %s, %u were smoked by who had it", laid[i], ingredients[i], by_them);
    }
    std::printf("%-8s %u\n", ingredients[i], by_them);
  }
  std::printf("ok: %u rounds, each smoked by the right one; %.0f/s\n", rounds,
              rounds / examples::seconds_since(start));
}
