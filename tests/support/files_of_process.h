// What the kernel says about this process: its kernel threads, descriptors, memory and CPU time.
#ifndef CONC_TESTS_SUPPORT_FILES_OF_PROCESS_H
#define CONC_TESTS_SUPPORT_FILES_OF_PROCESS_H

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace conc_test {

inline long entries_of(const char* folder) {
  return std::distance(std::filesystem::directory_iterator(folder),
                       std::filesystem::directory_iterator());
}
inline long kernel_threads() { return entries_of("/proc/self/task"); }
inline long descriptors() { return entries_of("/proc/self/fd"); }

// Those of files, sockets and pipes, not of the objects that the library itself waits with: how
// many of these there are depends on how many kernel threads have waited.
inline long open_files() {
  long n = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    n += !std::filesystem::read_symlink(entry, gone).string().starts_with("anon_inode:");
  }
  return n;
}

// Of those objects, the rings that I/O is done with.
inline long rings() {
  long n = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    n += std::filesystem::read_symlink(entry, gone) == "anon_inode:[io_uring]";
  }
  return n;
}

inline long lines_of(const char* path) {
  std::ifstream file(path);
  return std::count(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>(), '\n');
}

// The number after `name:` in a file of /proc, in kilobytes where it has a unit.
inline long entry_of(const char* path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::atol(line.c_str() + name.size() + 1);
  }
  return -1;
}
inline long status_of_process(const std::string& name) {
  return entry_of("/proc/self/status", name);
}
// Of the machine's memory, so much could be had.
inline long available_kilobytes() { return entry_of("/proc/meminfo", "MemAvailable"); }
inline long resident_kilobytes() { return status_of_process("VmRSS"); }

inline std::chrono::microseconds micros(const timeval& t) {
  return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
}

struct usage {
  std::chrono::microseconds cpu;
  long switches;
};
// Of the whole process, or with RUSAGE_THREAD of the calling kernel thread.
inline usage usage_now(int who = RUSAGE_SELF) {
  rusage r{};
  getrusage(who, &r);
  return {micros(r.ru_utime) + micros(r.ru_stime), r.ru_nvcsw + r.ru_nivcsw};
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_FILES_OF_PROCESS_H
