// Spinning against blocking: one lock with different limits on spinning, and beside it locks that
// only spin and mutexes, over critical sections from 50 ns to 50 us.
//
// Every combination of lock, length and set of threads is one cell. The cells of one length and set
// are measured one after the other in random order, and all of that is repeated, so that a slow
// minute of the machine is not one lock's misfortune. The last part recomputes, from the waits of
// the lock that only spins, what every limit would have paid (support/competitive.h).
#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <absl/flags/usage.h>

#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "support/competitive.h"
#include "support/contention.h"
#include "support/futex_pingpong.h"
#include "support/locks.h"
#include "support/spin_block_output.h"

ABSL_FLAG(int, window_ms, 25, "length of one measurement, in milliseconds");
ABSL_FLAG(int, repetitions, 5, "measurements of each cell");
ABSL_FLAG(std::string, json, "", "file for the samples; empty: none");
ABSL_FLAG(bool, table, true, "print every cell");

namespace bench {
namespace {

struct variant {
  std::string name;
  std::function<outcome(const contest&)> among_kernel_threads;
  std::function<outcome(const contest&)> among_user_threads;  // empty: it would block a carrier
};

template <class Make>
variant make_variant(const std::string& name, Make make) {
  return {name, [make](const contest& c) { return compete_for(kernel_crew{}, make, c); },
          [make](const contest& c) {
            static conc::runtime& on = *new conc::runtime();
            return compete_for(user_crew{&on}, make, c);
          }};
}

conc::spin_limit limit_of(const limit& l) {
  if (l.factor == for_ever) return conc::spin_limit::always();
  if (l.factor == 0) return conc::spin_limit::none();
  return conc::spin_limit::of_cost(l.factor);
}

const std::string spin_only = "two_phase always";

std::vector<variant> all_variants() {
  std::vector<variant> all;
  for (const limit& l : limits) {
    all.push_back(make_variant(std::string("two_phase ") + l.name,
                               [l] { return conc::two_phase_lock(limit_of(l)); }));
  }
  auto add = [&](const char* name, auto make) { all.push_back(make_variant(name, make)); };
  each_spin_lock(add);
  add("conc::mutex", [] { return conc::mutex(); });
  add("std::mutex", [] { return std::mutex(); });
  all.back().among_user_threads = nullptr;
  return all;
}

constexpr double lengths[] = {50, 500, 2'000, 10'000, 50'000};

struct crew_size {
  bool user;
  int threads;
};
constexpr crew_size crews[] = {{false, 2}, {false, 4}, {false, 8}, {true, 8}};

void measure_blocking(findings& f, int repetitions) {
  f.block_cost = static_cast<double>(conc::measured_block_cost().count());
  const std::vector<int> cpus = allowed_cpus();
  f.cpus = static_cast<int>(cpus.size());
  constexpr std::int64_t n = 4'000;
  for (int i = 0; i < repetitions; ++i) {
    f.futex_one_cpu.push_back(static_cast<double>(futex_pingpong(n, cpus[0], cpus[0])) / n);
    if (cpus.size() < 2) continue;
    f.futex_across.push_back(static_cast<double>(futex_pingpong(n, cpus[0], cpus[1])) / n);
  }
}

// All locks once, in random order, for one length and set of threads. False if one did not exclude.
bool measure_cells(findings& f, const std::vector<variant>& variants, double inside, crew_size crew,
                   std::mt19937& order) {
  std::vector<const variant*> shuffled;
  for (const variant& v : variants) shuffled.push_back(&v);
  std::shuffle(shuffled.begin(), shuffled.end(), order);
  bool all_exclude = true;
  for (const variant* v : shuffled) {
    const auto& run = crew.user ? v->among_user_threads : v->among_kernel_threads;
    if (!run) continue;
    // With more threads than CPUs a wait is mostly somebody else's time slice, not a decision.
    const bool keep = v->name == spin_only && !crew.user && crew.threads == 2 && f.cpus > 1;
    const outcome o = run({.threads = crew.threads,
                           .inside = inside,
                           .outside = inside,
                           .window = nanos{absl::GetFlag(FLAGS_window_ms)} * 1'000'000,
                           .keep_waits = keep});
    f.add(v->name, inside, crew.user, crew.threads, o);
    if (keep) f.add_waits(inside, o.waits);
    if (!o.exclusive) {
      std::fprintf(stderr, "%s does not exclude\n", v->name.c_str());
      all_exclude = false;
    }
  }
  return all_exclude;
}

int measure() {
  findings f;
  const int repetitions = absl::GetFlag(FLAGS_repetitions);
  measure_blocking(f, repetitions);
  const std::vector<variant> variants = all_variants();
  std::mt19937 order(1);
  bool all_exclude = true;
  for (int i = 0; i < repetitions; ++i) {
    for (double inside : lengths) {
      for (crew_size crew : crews) {
        all_exclude &= measure_cells(f, variants, inside, crew, order);
      }
    }
  }
  if (absl::GetFlag(FLAGS_table)) f.print();
  const std::string file = absl::GetFlag(FLAGS_json);
  if (!file.empty() && !f.write_json(file)) {
    std::perror(file.c_str());
    return 1;
  }
  return all_exclude ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Measures spinning against blocking on this machine.");
  absl::ParseCommandLine(argc, argv);
  return bench::measure();
}
