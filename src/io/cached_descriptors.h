// Which descriptors go past the page cache (O_DIRECT).
//
// There an attempt "without waiting" is none: RWF_NOWAIT means that nothing is waited for before
// the disk is asked, but its answer is waited for all the same, and with it wait all the threads of
// the processor. So such transfers go to the engine at once. To ask for the descriptor's flags is a
// system call, which transfers that cannot be of that kind go without; where the answer was no, the
// next fifteen transfers of that descriptor are not asked about either.
//
// One an engine, and touched by its carrier only. A number may mean another file by now, and two
// numbers may share a place: the price is a wrong guess, which costs time and nothing else.
#ifndef CONC_IO_CACHED_DESCRIPTORS_H
#define CONC_IO_CACHED_DESCRIPTORS_H

#include <cstddef>
#include <cstdint>

#include "io/request.h"

namespace conc::detail {

class cached_descriptors {
 public:
  // Whether the last answers suffice to say that `fd` does not go past the cache.
  bool vouches_for(int fd) noexcept {
    std::uint8_t& left = left_[place_of(fd)];
    if (left == 0) return false;
    --left;
    return true;
  }
  void note_cached(int fd) noexcept { left_[place_of(fd)] = most_left; }
  void forget(int fd) noexcept { left_[place_of(fd)] = 0; }

 private:
  static constexpr std::uint8_t most_left = 15;
  static constexpr std::size_t places = 2048;
  static std::size_t place_of(int fd) noexcept { return static_cast<unsigned>(fd) % places; }

  std::uint8_t left_[places] = {};
};

// Whether the request could be one past the cache: it must consist of whole sectors, as far as can
// be seen. Cheap, and no for nearly everything that is not made for it.
bool is_of_whole_sectors(const request& r) noexcept;

inline bool is_at_own_position(const request& r) noexcept { return r.offset == ~std::uint64_t{0}; }

// What the descriptor's flags say: a system call or two. A pipe with that flag has no disk.
bool has_o_direct(int fd) noexcept;

}  // namespace conc::detail

#endif  // CONC_IO_CACHED_DESCRIPTORS_H
