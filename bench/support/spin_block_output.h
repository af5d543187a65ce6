// What bench_spin_block found: collected by cell, printed as a table, written as JSON.
#ifndef CONC_BENCH_SUPPORT_SPIN_BLOCK_OUTPUT_H
#define CONC_BENCH_SUPPORT_SPIN_BLOCK_OUTPUT_H

#include <cstdio>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "support/competitive.h"
#include "support/contention.h"
#include "support/samples.h"

namespace bench {

class findings {
 public:
  int cpus = 1;
  double block_cost = 0;                            // C, nanoseconds
  std::vector<double> futex_one_cpu, futex_across;  // nanoseconds a hand-over

  void add(const std::string& lock, double inside, bool user, int threads, const outcome& o) {
    series& s = cells_[{user, threads, inside, lock}];
    s.rate.push_back(o.acquisitions / o.seconds);
    s.cpu.push_back(o.cpu_per_acquisition);
    s.longest.push_back(o.longest_wait);
    s.jain.push_back(o.jain);
    s.contended.push_back(o.contended);
  }

  void add_waits(double inside, const std::vector<nanos>& waits) {
    wait_costs& w = waits_[inside];
    w.count += waits.size();
    double all = 0, best = 0;
    for (nanos t : waits) {
      all += static_cast<double>(t);
      best += best_cost(static_cast<double>(t), block_cost);
    }
    const double n = std::max(1.0, static_cast<double>(waits.size()));
    w.mean.push_back(all / n);
    w.mean_best.push_back(best / n);
    for (const limit& l : limits) {
      const waiting_cost c = cost_of(waits, l.factor, block_cost);
      w.ratio[l.name].push_back(c.ratio);
      w.worst[l.name].push_back(c.worst);
    }
  }

  void print() const;
  bool write_json(const std::string& path) const;

 private:
  struct series {
    std::vector<double> rate, cpu, longest, jain, contended;
  };
  struct wait_costs {
    std::size_t count = 0;
    std::vector<double> mean, mean_best;
    std::map<std::string, std::vector<double>> ratio, worst;
  };

  std::map<std::tuple<bool, int, double, std::string>, series> cells_;
  std::map<double, wait_costs> waits_;
};

inline void findings::print() const {
  std::printf("C, one block and wake: %.0f ns of CPU time\n", block_cost);
  std::printf("futex hand-over: %.0f ns on one CPU", median(futex_one_cpu));
  if (!futex_across.empty()) std::printf(", %.0f ns across CPUs", median(futex_across));
  std::printf("\n\n%-22s %9s %-17s %12s  %-27s %9s %11s %6s\n", "threads", "inside", "lock",
              "locks/s", "(least to greatest)", "CPU ns", "longest us", "Jain");
  for (const auto& [key, s] : cells_) {
    const auto& [user, threads, inside, lock] = key;
    std::printf("%2d %-19s %6.2f us %-17s %12.0f  (%11.0f to %11.0f) %9.0f %11.1f %6.3f\n", threads,
                user ? "user-level threads" : "kernel threads", inside / 1e3, lock.c_str(),
                median(s.rate), least(s.rate), greatest(s.rate), median(s.cpu),
                median(s.longest) / 1e3, median(s.jain));
  }
  std::printf("\nwaiting cost relative to the best possible, by limit\n%10s %10s", "inside",
              "waits");
  for (const limit& l : limits) std::printf(" %8s", l.name);
  std::printf("\n");
  for (const auto& [inside, w] : waits_) {
    std::printf("%7.2f us %10zu", inside / 1e3, w.count);
    for (const limit& l : limits) std::printf(" %8.3f", median(w.ratio.at(l.name)));
    std::printf("\n");
  }
}

namespace internal {

inline void write(std::FILE* out, const char* name, const std::vector<double>& v) {
  std::fprintf(out, "\"%s\":[", name);
  for (std::size_t i = 0; i < v.size(); ++i) std::fprintf(out, "%s%.6g", i == 0 ? "" : ",", v[i]);
  std::fprintf(out, "]");
}

}  // namespace internal

// Names hold neither quotes nor backslashes.
inline bool findings::write_json(const std::string& path) const {
  std::FILE* out = std::fopen(path.c_str(), "w");
  if (out == nullptr) return false;
  std::fprintf(out, "{\"cpus\":%d,\"block_cost_ns\":%.6g,\n", cpus, block_cost);
  internal::write(out, "futex_one_cpu_ns", futex_one_cpu);
  std::fprintf(out, ",\n");
  internal::write(out, "futex_across_ns", futex_across);
  std::fprintf(out, ",\n\"cells\":[");
  const char* comma = "\n";
  for (const auto& [key, s] : cells_) {
    const auto& [user, threads, inside, lock] = key;
    std::fprintf(out, "%s{\"user\":%s,\"threads\":%d,\"inside_ns\":%.6g,\"lock\":\"%s\"", comma,
                 user ? "true" : "false", threads, inside, lock.c_str());
    for (const auto& [name, v] : {std::pair("rate", &s.rate), std::pair("cpu_ns", &s.cpu),
                                  std::pair("longest_ns", &s.longest), std::pair("jain", &s.jain),
                                  std::pair("contended", &s.contended)}) {
      std::fprintf(out, ",");
      internal::write(out, name, *v);
    }
    std::fprintf(out, "}");
    comma = ",\n";
  }
  std::fprintf(out, "],\n\"waits\":[");
  comma = "\n";
  for (const auto& [inside, w] : waits_) {
    std::fprintf(out, "%s{\"inside_ns\":%.6g,\"count\":%zu,", comma, inside, w.count);
    internal::write(out, "mean_ns", w.mean);
    std::fprintf(out, ",");
    internal::write(out, "mean_best_ns", w.mean_best);
    std::fprintf(out, ",\"limits\":[");
    for (const limit& l : limits) {
      std::fprintf(out, "%s{\"name\":\"%s\",", &l == limits ? "" : ",", l.name);
      internal::write(out, "ratio", w.ratio.at(l.name));
      std::fprintf(out, ",");
      internal::write(out, "worst", w.worst.at(l.name));
      std::fprintf(out, "}");
    }
    std::fprintf(out, "]}");
    comma = ",\n";
  }
  std::fprintf(out, "]}\n");
  return std::fclose(out) == 0;
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_SPIN_BLOCK_OUTPUT_H
