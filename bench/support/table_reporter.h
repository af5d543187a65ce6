// Google Benchmark's results as one line each: median, least and greatest of the repetitions, and
// the medians of what else was counted.
#ifndef CONC_BENCH_SUPPORT_TABLE_REPORTER_H
#define CONC_BENCH_SUPPORT_TABLE_REPORTER_H

#include <benchmark/benchmark.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "support/samples.h"

namespace bench {

class table_reporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override {
    std::printf("%-52s %11s  %11s %11s\n", "nanoseconds", "median", "least", "greatest");
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<double> samples;
    std::map<std::string, std::vector<double>> beside;
    for (const Run& run : runs) {
      if (run.error_occurred) {
        std::printf("%-52s not possible: %s\n", name_of(run).c_str(), run.error_message.c_str());
        return;
      }
      if (run.run_type != Run::RT_Iteration) continue;
      // With GetAdjustedRealTime the unit is the benchmark's own, which is nanoseconds here.
      samples.push_back(run.GetAdjustedRealTime());
      for (const auto& [name, value] : run.counters) beside[name].push_back(value);
    }
    if (samples.empty()) return;  // Google Benchmark's own aggregates come in a call of their own
    std::printf("%-52s %11.1f  %11.1f %11.1f", name_of(runs.front()).c_str(), median(samples),
                least(samples), greatest(samples));
    for (const auto& [name, values] : beside) {
      std::printf("  %s %.4g", name.c_str(), median(values));
    }
    std::printf("\n");
    std::fflush(stdout);
  }

 private:
  static std::string name_of(const Run& run) { return run.run_name.function_name; }
};

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_TABLE_REPORTER_H
