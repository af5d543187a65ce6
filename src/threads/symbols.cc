#include "threads/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

namespace conc::detail {
namespace {

template <class T>
bool read_at(int file, std::uint64_t offset, T& to) noexcept {
  return pread(file, &to, sizeof to, static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof to);
}

}  // namespace

symbols::~symbols() {
  if (file_ >= 0) close(file_);
}

bool symbols::open_table(const module& m) noexcept {
  if (opened_ == &m) return entries_ != 0;
  if (file_ >= 0) close(file_);
  opened_ = &m;
  entries_ = 0;
  file_ = open(m.path, O_RDONLY | O_CLOEXEC);
  struct stat now;
  // Another file under the same name would give wrong names.
  if (file_ < 0 || fstat(file_, &now) != 0 || now.st_ino != m.inode) return false;
  ElfW(Ehdr) head;
  if (!read_at(file_, 0, head) || head.e_shentsize != sizeof(ElfW(Shdr))) return false;
  for (const auto kind : {SHT_SYMTAB, SHT_DYNSYM}) {
    for (unsigned i = 0; i < head.e_shnum; ++i) {
      ElfW(Shdr) section, names;
      if (!read_at(file_, head.e_shoff + i * sizeof section, section)) return false;
      if (section.sh_type != static_cast<unsigned>(kind)) continue;
      if (section.sh_entsize != sizeof(ElfW(Sym)) || section.sh_link >= head.e_shnum) continue;
      if (!read_at(file_, head.e_shoff + section.sh_link * sizeof names, names)) return false;
      table_ = section.sh_offset;
      entries_ = section.sh_size / sizeof(ElfW(Sym));
      strings_ = names.sh_offset;
      string_bytes_ = names.sh_size;
      return entries_ != 0;
    }
  }
  return false;
}

const char* symbols::find_in_table(std::uintptr_t in_file, std::uintptr_t& distance) noexcept {
  ElfW(Sym) piece[128];
  ElfW(Sym) best{};
  for (std::uint64_t at = 0; at < entries_; at += std::size(piece)) {
    const std::uint64_t wanted = std::min<std::uint64_t>(std::size(piece), entries_ - at);
    const ssize_t got = pread(file_, piece, wanted * sizeof piece[0],
                              static_cast<off_t>(table_ + at * sizeof piece[0]));
    if (got < static_cast<ssize_t>(wanted * sizeof piece[0])) break;
    for (std::uint64_t i = 0; i < wanted; ++i) {
      const ElfW(Sym)& s = piece[i];
      const unsigned type = s.st_info & 0xf;
      if ((type != STT_FUNC && type != STT_GNU_IFUNC) || s.st_shndx == SHN_UNDEF) continue;
      if (in_file < s.st_value || in_file >= s.st_value + s.st_size) continue;
      // Of several names for one place the one that others can see is the one that was written.
      const bool is_global = s.st_info >> 4 != STB_LOCAL;
      if (best.st_size == 0 || s.st_value > best.st_value ||
          (s.st_value == best.st_value && is_global)) {
        best = s;
      }
    }
  }
  if (best.st_size == 0 || best.st_name >= string_bytes_) return nullptr;
  const ssize_t got =
      pread(file_, name_, sizeof name_ - 1, static_cast<off_t>(strings_ + best.st_name));
  if (got <= 0) return nullptr;
  name_[got] = '\0';
  distance = in_file - best.st_value;
  return name_;
}

symbols::place symbols::find(std::uintptr_t address) noexcept {
  place p{modules_.find(address), nullptr, 0};
  if (p.where != nullptr && open_table(*p.where)) {
    p.function = find_in_table(p.where->in_file(address), p.of_function);
  }
  return p;
}

}  // namespace conc::detail
