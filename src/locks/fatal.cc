#include "locks/fatal.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "conc/detail/current.h"

namespace conc::detail {
namespace {

// A line built on the stack: the process may be out of memory, or inside a signal handler.
class line {
 public:
  line& operator<<(const char* text) noexcept {
    const std::size_t n = std::strlen(text);
    for (std::size_t i = 0; i < n && used_ < sizeof buffer_; ++i) buffer_[used_++] = text[i];
    return *this;
  }
  line& number(std::uint64_t value, int base) noexcept {
    char digits[24];
    *std::to_chars(digits, digits + sizeof digits - 1, value, base).ptr = '\0';
    return *this << digits;
  }
  void write_out() const noexcept {
    [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, buffer_, used_);
  }

 private:
  char buffer_[400];
  std::size_t used_ = 0;
};

[[noreturn]] void finish(const char* what, const void* object,
                         const std::uint32_t* other) noexcept {
  line out;
  out << "conc: fatal: " << what << " (";
  if (object != nullptr) {
    out << "object 0x";
    out.number(reinterpret_cast<std::uintptr_t>(object), 16);
    out << ", ";
  }
  if (other != nullptr) {
    out << "owner: thread ";
    out.number(*other, 10);
    out << ", ";
  }
  const task_head* self = current_or_null();
  out << "by thread ";
  out.number(self != nullptr ? self->id : 0, 10);
  out << ")\n";
  out.write_out();
  std::abort();
}

}  // namespace

void fatal(const char* what, const void* object) noexcept { finish(what, object, nullptr); }

void fatal(const char* what, const void* object, std::uint32_t other_thread) noexcept {
  finish(what, object, &other_thread);
}

}  // namespace conc::detail
