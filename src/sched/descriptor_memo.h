// What a carrier remembers of descriptors for the sake of I/O, so that to find it out is paid for
// once in sixteen times (io/perform.cc).
//
// Touched by its carrier only. A number may mean another file by now, and two numbers may share a
// place: so only guesses are remembered that cost time if they are wrong, and nothing else.
#ifndef CONC_SCHED_DESCRIPTOR_MEMO_H
#define CONC_SCHED_DESCRIPTOR_MEMO_H

#include <cstddef>
#include <cstdint>

namespace conc::detail {

class descriptor_memo {
 public:
  // Whether `fd` was noted not long ago: true fifteen times after it was.
  bool recalls(int fd) noexcept {
    std::uint8_t& left = left_[place_of(fd)];
    if (left == 0) return false;
    --left;
    return true;
  }
  void note(int fd) noexcept { left_[place_of(fd)] = most_left; }
  void forget(int fd) noexcept { left_[place_of(fd)] = 0; }

 private:
  static constexpr std::uint8_t most_left = 15;
  static constexpr std::size_t places = 2048;
  static std::size_t place_of(int fd) noexcept { return static_cast<unsigned>(fd) % places; }

  std::uint8_t left_[places] = {};
};

}  // namespace conc::detail

#endif  // CONC_SCHED_DESCRIPTOR_MEMO_H
