// A process that the kernel gives no more: for child processes of the tests of what is left when
// something runs out.
#ifndef CONC_TESTS_SUPPORT_LIMITED_PROCESS_H
#define CONC_TESTS_SUPPORT_LIMITED_PROCESS_H

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <vector>

#include "support/files_of_process.h"

namespace conc_test {

// A child's verdict: its exit status tells the test, its standard error the reader.
inline void require(bool holds, const char* what,
                    std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "line %u: not so: %s\n", static_cast<unsigned>(where.line()), what);
  std::_Exit(1);
}

inline void set_soft_limit(__rlimit_resource what, rlim_t value) {
  rlimit limit{};
  getrlimit(what, &limit);
  limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
  require(setrlimit(what, &limit) == 0, "setrlimit");
}

// Lets the process map so many bytes more than it has now, and no more.
inline void limit_address_space(std::size_t more) {
  set_soft_limit(RLIMIT_AS, static_cast<rlim_t>(status_of_process("VmSize")) * 1024 + more);
}
inline void lift_address_space_limit() { set_soft_limit(RLIMIT_AS, RLIM_INFINITY); }

// The kernel counts a user's threads and exempts the superuser: from here on the process belongs to
// a user who has no other. False where only the superuser could arrange that.
inline bool become_a_user_without_processes() {
  constexpr uid_t nobody_elses = 2'000'000'011;
  return setresuid(nobody_elses, nobody_elses, nobody_elses) == 0;
}
// Lets the process have so many kernel threads more than it has now.
inline void limit_kernel_threads(long more) {
  set_soft_limit(RLIMIT_NPROC, static_cast<rlim_t>(kernel_threads() + more));
}

// Takes mappings until the kernel has no more for this process (vm.max_map_count); gives them back
// at the end.
class all_mappings {
 public:
  all_mappings() {
    // Every other page may not be touched, so no two are neighbours of the same kind.
    constexpr std::size_t pages = 4096;
    places_.reserve(1'000);
    for (;;) {
      void* p = mmap(nullptr, pages * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (p == MAP_FAILED) return;
      places_.push_back(static_cast<std::byte*>(p));
      for (std::size_t i = 0; i < pages; i += 2) {
        if (mprotect(places_.back() + i * 4096, 4096, PROT_READ) != 0) return;
      }
    }
  }
  ~all_mappings() {
    for (std::byte* p : places_) munmap(p, std::size_t{4096} * 4096);
  }
  all_mappings(const all_mappings&) = delete;
  all_mappings& operator=(const all_mappings&) = delete;

 private:
  std::vector<std::byte*> places_;
};

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_LIMITED_PROCESS_H
