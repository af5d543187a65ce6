#include "locks/block_cost.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <ctime>

#include "locks/futex.h"
#include "locks/measured_figure.h"

namespace conc::detail {
namespace {

constexpr nanos assumed_cost = 5'000, least_cost = 500, greatest_cost = 50'000;
constexpr std::uint32_t rounds = 300, warm_up = 50;

nanos cpu_time_of_this_thread() noexcept {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<nanos>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

// Two players on one CPU; the word counts the turns, and player 0 moves on even ones. On one CPU
// every turn is exactly one block and one wake, and nothing runs beside them that would not be
// paid.
struct game {
  atomic<std::uint32_t> turn{0};
  int cpu = 0;
  nanos spent[2] = {0, 0};
};

struct player {
  game* g;
  std::uint32_t me;
};

void take_turn(game& g, std::uint32_t t) noexcept {
  std::uint32_t seen;
  // [block_cost.turn] acquire: pairs with the release below.
  while ((seen = g.turn.load(memory_order_acquire)) != t) futex_wait(g.turn, seen);
  // [block_cost.turn] release: pairs with the acquire above.
  g.turn.store(t + 1, memory_order_release);
  futex_wake(g.turn);
}

void* play(void* argument) noexcept {
  const player& p = *static_cast<player*>(argument);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(p.g->cpu), &one);
  pthread_setaffinity_np(pthread_self(), sizeof one, &one);  // refused: the figure is a bit high
  nanos start = 0;
  for (std::uint32_t t = p.me; t < 2 * rounds; t += 2) {
    if (t / 2 == warm_up) start = cpu_time_of_this_thread();
    take_turn(*p.g, t);
  }
  p.g->spent[p.me] = cpu_time_of_this_thread() - start;
  return nullptr;
}

nanos measure() noexcept {
  game g;
  g.cpu = std::max(0, sched_getcpu());
  player players[2] = {{&g, 0}, {&g, 1}};
  pthread_t threads[2];
  if (pthread_create(&threads[0], nullptr, play, &players[0]) != 0) return assumed_cost;
  if (pthread_create(&threads[1], nullptr, play, &players[1]) != 0) {
    // The first player waits for an opponent: play the other side here, unmeasured.
    for (std::uint32_t t = 1; t < 2 * rounds; t += 2) take_turn(g, t);
    pthread_join(threads[0], nullptr);
    return assumed_cost;
  }
  pthread_join(threads[0], nullptr);
  pthread_join(threads[1], nullptr);
  const nanos turns = 2 * (rounds - warm_up);
  return std::clamp((g.spent[0] + g.spent[1]) / turns, least_cost, greatest_cost);
}

constinit measured_figure<measure> cost{"conc-cost", assumed_cost};

}  // namespace

nanos block_cost() noexcept { return cost.get(); }
nanos block_cost_if_known() noexcept { return cost.if_known(); }

}  // namespace conc::detail
