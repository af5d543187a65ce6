#include "locks/line.h"

#include <unistd.h>

namespace conc::detail {

void line::write_out() noexcept {
  if (used_ == sizeof buffer_) --used_;
  buffer_[used_++] = '\n';
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, buffer_, used_);
  clear();
}

}  // namespace conc::detail
