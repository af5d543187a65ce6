// How our measurements become Google Benchmark's: one sample a repetition, printed with its spread.
//
// Google Benchmark chooses its iterations for code that runs in the calling thread. What is
// measured here takes several threads, so each sample times itself, and Google Benchmark repeats
// the samples, interleaves those of different peers at random, and reports.
#ifndef CONC_BENCH_SUPPORT_PER_OPERATION_H
#define CONC_BENCH_SUPPORT_PER_OPERATION_H

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/reading.h"
#include "support/table_reporter.h"

namespace bench {

// Long against the clock and a thread's start, short against a change of the machine's speed.
constexpr nanos least_sample = 10'000'000;

// `sample()` returns a reading.
template <class Sample>
benchmark::internal::Benchmark* figure(const std::string& name, Sample sample) {
  auto once = [sample](benchmark::State& state) mutable {
    for (auto step : state) {
      (void)step;
      const reading r = sample();
      state.SetIterationTime(r.time * 1e-9);
      for (const auto& [what, value] : r.beside) state.counters[what] = value;
    }
  };
  // Google Benchmark wants to be able to copy what it calls, and calls one copy for all
  // repetitions.
  return benchmark::RegisterBenchmark(name.c_str(), once)->Iterations(1)->UseManualTime();
}

// `operations(n)` performs n operations and returns how long they took, in nanoseconds.
template <class Operations>
void per_operation(const std::string& name, Operations operations, std::int64_t least_n = 16) {
  figure(name, [operations, n = least_n, warm = false]() mutable {
    // The first time, runtimes start and what is measured once in a process is measured.
    if (!std::exchange(warm, true)) operations(n);
    for (;;) {
      const spent from_here;
      const nanos took = operations(n);
      // Later repetitions start with the n that was found.
      if (took >= least_sample) {
        reading r{.time = static_cast<double>(took) / static_cast<double>(n)};
        from_here.each_of(static_cast<double>(n), r);
        return r;
      }
      n *= std::clamp<nanos>(least_sample * 5 / 4 / std::max<nanos>(took, 1) + 1, 2, 100);
    }
  });
}

// A peer that this machine cannot measure stays in the list, with the reason.
inline void not_possible(const std::string& name, const std::string& reason) {
  benchmark::RegisterBenchmark(name.c_str(), [reason](benchmark::State& state) {
    state.SkipWithError(reason.c_str());
    for (auto step : state) (void)step;
  })->Iterations(1);
}

// Runs what was registered. The options that make comparisons honest come first, so that the
// command line can still change them. --count_futex_calls counts those beside the time.
inline int run_interleaved(int argc, char** argv, const char* repetitions = "9") {
  const std::string repeat = std::string("--benchmark_repetitions=") + repetitions;
  std::vector<std::string> defaults = {repeat, "--benchmark_enable_random_interleaving=true"};
  std::vector<char*> arguments = {argv[0]};
  for (std::string& option : defaults) arguments.push_back(option.data());
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--count_futex_calls") {
      arguments.push_back(argv[i]);
    } else if (!count_futex_calls()) {
      std::fprintf(stderr, "%s: the kernel does not let this user count system calls\n", argv[0]);
      return 1;
    }
  }
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  table_reporter table;
  if (benchmark::RunSpecifiedBenchmarks(&table) == 0) return 1;
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_PER_OPERATION_H
