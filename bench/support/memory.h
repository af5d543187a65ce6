// What the process has of memory, in bytes, as the kernel counts it.
#ifndef CONC_BENCH_SUPPORT_MEMORY_H
#define CONC_BENCH_SUPPORT_MEMORY_H

#include <cstdint>
#include <fstream>
#include <string>

namespace bench {

struct memory {
  std::int64_t resident = 0;
  std::int64_t page_tables = 0;
  std::int64_t peak = 0;  // the most that was ever resident
};

inline memory memory_use() {
  memory found;
  std::ifstream status("/proc/self/status");
  std::string key;
  std::int64_t kibibytes = 0;
  for (std::string line; status >> key; std::getline(status, line)) {
    std::int64_t* field = key == "VmRSS:"   ? &found.resident
                          : key == "VmPTE:" ? &found.page_tables
                          : key == "VmHWM:" ? &found.peak
                                            : nullptr;
    if (field != nullptr && status >> kibibytes) *field = kibibytes * 1024;
  }
  return found;
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_MEMORY_H
