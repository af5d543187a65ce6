// Where an attempt to receive is not worth its system call.
//
// Who answers questions on a connection finds it empty nearly every time that it asks for the next
// one: its peer has not even had the answer yet. So where an attempt has found nothing, the next
// receives go to the engine at once; after some of them an attempt shows whether that is still
// wise. Nothing depends on a right guess but time: the engine, too, takes what is there.
//
// One an engine, and touched by its carrier only. A number may mean another file by now, and two
// numbers may share a place: the price is a wrong guess.
#ifndef CONC_IO_QUIET_DESCRIPTORS_H
#define CONC_IO_QUIET_DESCRIPTORS_H

#include <cstddef>
#include <cstdint>

namespace conc::detail {

class quiet_descriptors {
 public:
  // Whether the receive that is about to begin should do without an attempt.
  bool skips_attempt(int fd) noexcept {
    std::uint8_t& left = skips_left_[place_of(fd)];
    if (left == 0) return false;
    --left;
    return true;
  }
  void found_nothing(int fd) noexcept { skips_left_[place_of(fd)] = most_skips; }

 private:
  // An attempt costs about a twentieth of an echo: one in sixteen is not to be seen.
  static constexpr std::uint8_t most_skips = 15;
  static constexpr std::size_t places = 2048;
  static std::size_t place_of(int fd) noexcept { return static_cast<unsigned>(fd) % places; }

  std::uint8_t skips_left_[places] = {};
};

}  // namespace conc::detail

#endif  // CONC_IO_QUIET_DESCRIPTORS_H
