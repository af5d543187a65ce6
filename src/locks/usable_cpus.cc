#include "locks/usable_cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "conc/detail/atomic.h"

namespace conc::detail {
namespace {

unsigned cpus_by_affinity() noexcept {
  cpu_set_t set;
  // The main thread's mask: the caller may be a thread that pinned itself.
  if (sched_getaffinity(getpid(), sizeof set, &set) == 0) {
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  }
  const long online = sysconf(_SC_NPROCESSORS_ONLN);  // more CPUs than a cpu_set_t has bits
  return online > 0 ? static_cast<unsigned>(online) : 1;
}

// cgroup v2's "quota period" in microseconds, or "max period"; 0 means no limit. Inside a
// container the process' own group is mounted as the root.
unsigned cpus_by_quota() noexcept {
  const int fd = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[64];
  const ssize_t n = read(fd, text, sizeof text);
  close(fd);
  if (n <= 0) return 0;
  const std::string_view all(text, static_cast<std::size_t>(n));
  const std::size_t space = all.find(' ');
  if (space == std::string_view::npos) return 0;
  unsigned long quota = 0, period = 0;
  const char* end = all.data() + all.size();
  if (std::from_chars(all.data(), end, quota).ec != std::errc{}) return 0;  // "max"
  if (std::from_chars(all.data() + space + 1, end, period).ec != std::errc{}) return 0;
  if (period == 0) return 0;
  return static_cast<unsigned>(std::max(1ul, (quota + period - 1) / period));
}

}  // namespace

unsigned usable_cpus() noexcept {
  static constinit atomic<unsigned> known{0};
  unsigned n = known.load(memory_order_relaxed);
  if (n == 0) {  // two threads may both look; they see the same
    const unsigned quota = cpus_by_quota();
    n = cpus_by_affinity();
    if (quota != 0) n = std::min(n, quota);
    known.store(n, memory_order_relaxed);
  }
  return n;
}

}  // namespace conc::detail
