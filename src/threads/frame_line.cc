#include "threads/frame_line.h"

namespace conc::detail {

void append_place(line& out, std::uintptr_t address, const symbols::place& p,
                  const char* function) noexcept {
  if (function != nullptr) {
    out << function << "+";
    out.address(p.of_function) << " ";
  }
  if (p.where == nullptr) {
    out.address(address);
    return;
  }
  out << "(" << p.where->path << "+";
  out.address(p.where->in_file(address)) << ")";
}

}  // namespace conc::detail
