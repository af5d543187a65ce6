#include "threads/modules.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "threads/own_memory.h"

namespace conc::detail {

// One line of /proc/self/maps:  begin-end permissions offset device inode path
struct modules::mapping {
  std::uintptr_t begin = 0, end = 0, offset = 0;
  std::uint64_t inode = 0;
  bool executable = false;
  const char* path = "";

  bool parse(const char* line) noexcept {
    const char* const stop = line + std::strlen(line);
    const auto number = [&](auto& to, int base, char then) {
      const auto [at, error] = std::from_chars(line, stop, to, base);
      if (error != std::errc{} || *at != then) return false;
      line = at + 1;
      return true;
    };
    if (!number(begin, 16, '-') || !number(end, 16, ' ')) return false;
    if (stop - line < 5) return false;
    executable = line[2] == 'x';
    line += 5;
    if (!number(offset, 16, ' ')) return false;
    line = std::strchr(line, ' ');  // over the device
    if (line == nullptr) return false;
    ++line;
    const auto [at, error] = std::from_chars(line, stop, inode);
    if (error != std::errc{}) return false;
    path = at + std::strspn(at, " ");
    return true;
  }
};

modules::modules() noexcept {
  void* p = mmap(nullptr, sizeof(storage), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return;
  memory_ = static_cast<storage*>(p);
  const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  read_maps(fd);
  close(fd);
}

modules::~modules() {
  if (memory_ != nullptr) munmap(memory_, sizeof(storage));
}

void modules::read_maps(int fd) noexcept {
  char buffer[4096];
  std::size_t held = 0;
  for (;;) {
    const ssize_t got = read(fd, buffer + held, sizeof buffer - held - 1);
    if (got <= 0) return;
    held += static_cast<std::size_t>(got);
    buffer[held] = '\0';
    char* line = buffer;
    while (char* end = std::strchr(line, '\n')) {
      *end = '\0';
      take_line(line);
      line = end + 1;
    }
    held = static_cast<std::size_t>(buffer + held - line);
    if (held == sizeof buffer - 1) held = 0;  // a path as long as the buffer: give it up
    std::memmove(buffer, line, held);
  }
}

void modules::take_line(const char* line) noexcept {
  mapping m;
  if (!m.parse(line) || m.path[0] == '\0') return;
  if (m.offset == 0) {
    headers_ = m.begin;
    headers_inode_ = m.inode;
  }
  if (m.executable) add(m);
}

void modules::add(const mapping& m) noexcept {
  const std::size_t length = std::strlen(m.path) + 1;
  if (count_ == most_modules || paths_used_ + length > room_for_paths) return;
  module& made = memory_->all[count_++];
  char* path = memory_->paths + paths_used_;
  paths_used_ += length;
  std::memcpy(path, m.path, length);
  made = {m.begin, m.end, m.begin - m.offset, 0, m.inode, path};

  ElfW(Ehdr) file;
  if (headers_inode_ != m.inode || !read_object(file, headers_)) return;
  if (std::memcmp(file.e_ident, ELFMAG, SELFMAG) != 0) return;
  if (file.e_phentsize != sizeof(ElfW(Phdr))) return;
  std::uintptr_t index = 0;
  for (std::size_t i = 0; i < file.e_phnum; ++i) {
    ElfW(Phdr) part;
    if (!read_object(part, headers_ + file.e_phoff + i * sizeof part)) return;
    if (part.p_type == PT_GNU_EH_FRAME) index = part.p_vaddr;
    // What is mapped begins at the page that the segment begins in.
    if (part.p_type == PT_LOAD && m.offset + 4096 > part.p_offset &&
        m.offset < part.p_offset + part.p_filesz) {
      if ((part.p_flags & PF_X) != 0)
        made.bias = m.begin - (part.p_vaddr + m.offset - part.p_offset);
    }
  }
  if (index != 0) made.unwind_index = made.bias + index;
}

const module* modules::find(std::uintptr_t address) const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    const module& m = memory_->all[i];
    if (m.begin <= address && address < m.end) return &m;
  }
  return nullptr;
}

}  // namespace conc::detail
