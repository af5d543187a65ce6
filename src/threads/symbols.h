// The names of functions, from the symbol tables of the files that they were loaded from.
//
// dladdr(3) knows only what is exported to other modules, which a program's own functions are not.
// So the files' own tables are read: .symtab where it was not stripped, else .dynsym. By system
// calls alone, as modules.h.
#ifndef CONC_THREADS_SYMBOLS_H
#define CONC_THREADS_SYMBOLS_H

#include "threads/modules.h"

namespace conc::detail {

class symbols {
 public:
  explicit symbols(const modules& all) noexcept : modules_(all) {}
  ~symbols();
  symbols(const symbols&) = delete;
  symbols& operator=(const symbols&) = delete;

  struct place {
    const module* where;         // null: the address lies in no file
    const char* function;        // as the linker knows it (mangled); null: no name for it
    std::uintptr_t of_function;  // how far behind the beginning of the function
  };
  // What is at this address. The name is valid until the next call.
  place find(std::uintptr_t address) noexcept;

 private:
  bool open_table(const module& m) noexcept;
  const char* find_in_table(std::uintptr_t in_file, std::uintptr_t& distance) noexcept;

  const modules& modules_;
  // The file that was asked last, kept open.
  const module* opened_ = nullptr;
  int file_ = -1;
  std::uint64_t table_ = 0, entries_ = 0;         // of symbols, in the file
  std::uint64_t strings_ = 0, string_bytes_ = 0;  // their names
  char name_[1024];
};

}  // namespace conc::detail

#endif  // CONC_THREADS_SYMBOLS_H
