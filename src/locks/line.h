// A line of a report, built in place: the process may be out of memory, or inside a signal handler.
#ifndef CONC_LOCKS_LINE_H
#define CONC_LOCKS_LINE_H

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace conc::detail {

// What does not fit is cut off. No allocation, no lock.
class line {
 public:
  line& operator<<(std::string_view text) noexcept {
    const std::size_t n =
        text.size() < sizeof buffer_ - used_ ? text.size() : sizeof buffer_ - used_;
    std::memcpy(buffer_ + used_, text.data(), n);
    used_ += n;
    return *this;
  }
  line& number(std::uint64_t value, int base = 10) noexcept {
    char digits[24] = {};
    return *this << std::string_view(
               digits,
               static_cast<std::size_t>(
                   std::to_chars(digits, digits + sizeof digits, value, base).ptr - digits));
  }
  line& address(std::uintptr_t value) noexcept {
    *this << "0x";
    return number(value, 16);
  }
  line& address(const void* p) noexcept { return address(reinterpret_cast<std::uintptr_t>(p)); }

  std::string_view text() const noexcept { return {buffer_, used_}; }
  void clear() noexcept { used_ = 0; }
  // Ends the line, to standard error in one write(2).
  void write_out() noexcept;

 private:
  char buffer_[1400];
  std::size_t used_ = 0;
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_LINE_H
