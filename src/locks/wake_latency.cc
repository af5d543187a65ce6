#include "locks/wake_latency.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "conc/config.h"
#include "locks/block_cost.h"
#include "locks/futex.h"
#include "locks/measured_figure.h"
#include "locks/spin_budget.h"
#include "locks/usable_cpus.h"

namespace conc::detail {
namespace {

constexpr nanos greatest_latency = 100'000, patience = 200'000;
constexpr std::uint32_t rounds = 25, enough = 9;

// The two players' CPUs. Not the caller's mask: it may have bound itself to one of them.
struct pair_of_cpus {
  int caller = -1, sleeper = -1;
};

pair_of_cpus two_cpus() noexcept {
  cpu_set_t set;
  pair_of_cpus two;
  if (sched_getaffinity(getpid(), sizeof set, &set) != 0) return two;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (!CPU_ISSET(static_cast<std::size_t>(i), &set)) continue;
    (two.caller < 0 ? two.caller : two.sleeper) = i;
    if (two.sleeper >= 0) break;
  }
  return two;
}

bool bind_to(int cpu) noexcept {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(cpu), &one);
  return pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0;
}

// The word counts up: to an odd number by the caller, to the next even one by the sleeper.
struct exchange {
  atomic<std::uint32_t> word{0};
  pair_of_cpus cpus;
};

void* answer_calls(void* argument) noexcept {
  exchange& e = *static_cast<exchange*>(argument);
  bind_to(e.cpus.sleeper);
  for (std::uint32_t i = 0; i < rounds; ++i) {
    while (e.word.load(memory_order_relaxed) == 2 * i) futex_wait(e.word, 2 * i);
    e.word.store(2 * i + 2, memory_order_relaxed);
  }
  return nullptr;
}

bool spin_until(const atomic<std::uint32_t>& word, std::uint32_t value, nanos limit) noexcept {
  spin_timer timer(limit);
  while (word.load(memory_order_relaxed) != value) {
    if (timer.expired()) return false;
    CONC_CPU_RELAX();
  }
  return true;
}

nanos median_latency(exchange& e) noexcept {
  std::array<nanos, rounds> seen;
  std::size_t n = 0;
  for (std::uint32_t i = 0; i < rounds; ++i) {
    // Time enough to fall asleep; who is awake all the same is not counted below.
    spin_until(e.word, ~0u, 4 * block_cost());
    e.word.store(2 * i + 1, memory_order_relaxed);
    const bool slept = futex_wake(e.word) == 1;
    const nanos start = now();
    // Late answers are of a CPU that had other things to do. The next round needs them all the
    // same, and meanwhile that CPU may be this one.
    const bool in_time = spin_until(e.word, 2 * i + 2, patience);
    if (slept && in_time) seen[n++] = now() - start;
    const timespec a_while{0, 50'000};
    while (e.word.load(memory_order_relaxed) != 2 * i + 2) nanosleep(&a_while, nullptr);
  }
  if (n < enough) return 0;
  std::nth_element(seen.begin(), seen.begin() + n / 2, seen.begin() + n);
  return seen[n / 2];
}

void* call(void* argument) noexcept {
  exchange& e = *static_cast<exchange*>(argument);
  pthread_t sleeper;
  if (!bind_to(e.cpus.caller)) return nullptr;
  if (pthread_create(&sleeper, nullptr, answer_calls, &e) != 0) return nullptr;
  const nanos found = median_latency(e);
  pthread_join(sleeper, nullptr);
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(found));
}

nanos measure() noexcept {
  exchange e{.cpus = two_cpus()};
  if (usable_cpus() == 1 || e.cpus.sleeper < 0) return 0;
  pthread_t caller;  // a thread of its own, for it binds itself
  if (pthread_create(&caller, nullptr, call, &e) != 0) return 0;
  void* found = nullptr;
  pthread_join(caller, &found);
  return std::min(2 * static_cast<nanos>(reinterpret_cast<std::uintptr_t>(found)),
                  greatest_latency);
}

constinit measured_figure<measure> latency{"conc-latency", 0};

}  // namespace

nanos wake_latency() noexcept { return latency.get(); }
nanos wake_latency_if_known() noexcept { return latency.if_known(); }

}  // namespace conc::detail
