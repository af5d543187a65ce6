// The executables and shared objects of this process: where they lie, and where their tables are.
//
// Read from /proc/self/maps and from the headers in memory, by system calls alone: no allocation,
// no lock of the dynamic linker's. So it can be made in a signal handler on a thread that may hold
// any lock.
#ifndef CONC_THREADS_MODULES_H
#define CONC_THREADS_MODULES_H

#include <cstddef>
#include <cstdint>

namespace conc::detail {

// The executable part of a file that is mapped.
struct module {
  std::uintptr_t begin, end;
  std::uintptr_t bias;          // what was added to the addresses in the file
  std::uintptr_t unwind_index;  // its .eh_frame_hdr; 0: none
  std::uint64_t inode;
  const char* path;  // ends in " (deleted)" if the file is gone

  // The address as addr2line and objdump count it.
  std::uintptr_t in_file(std::uintptr_t address) const noexcept { return address - bias; }
};

class modules {
 public:
  modules() noexcept;
  ~modules();
  modules(const modules&) = delete;
  modules& operator=(const modules&) = delete;

  // The module whose code contains the address, or null.
  const module* find(std::uintptr_t address) const noexcept;

 private:
  static constexpr std::size_t most_modules = 512;  // others are left out
  static constexpr std::size_t room_for_paths = 64 * 1024;
  struct storage {
    module all[most_modules];
    char paths[room_for_paths];
  };
  struct mapping;

  void read_maps(int fd) noexcept;
  void take_line(const char* line) noexcept;
  void add(const mapping& m) noexcept;

  storage* memory_ = nullptr;  // mapped, so that neither heap nor a small stack is needed
  std::size_t count_ = 0;
  std::size_t paths_used_ = 0;
  // The last mapping that began at offset 0: where the headers of what follows are.
  std::uintptr_t headers_ = 0;
  std::uint64_t headers_inode_ = 0;
};

}  // namespace conc::detail

#endif  // CONC_THREADS_MODULES_H
