// A set of stacks, by number, that finds its lowest and its highest member fast.
//
// One bit a stack, in groups of 64, and above them one bit a group that has members: a million
// stacks are found within 250 words. Whoever takes the lowest keeps what is in use together at one
// end, so that at the other end whole groups become free and can be given back.
#ifndef CONC_THREADS_STACK_SET_H
#define CONC_THREADS_STACK_SET_H

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace conc::detail {

inline constexpr std::size_t stacks_per_group = 64;

class stack_set {
 public:
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // Room for so many groups; the only step that can fail (std::bad_alloc).
  void reserve(std::size_t groups) {
    members_.reserve(groups);
    summary_.reserve(groups / 64 + 1);
  }
  // Makes room within what was reserved.
  void grow_to(std::size_t groups) noexcept {
    members_.resize(groups);
    summary_.resize(groups / 64 + 1);
  }

  std::uint64_t members(std::size_t group) const noexcept { return members_[group]; }
  void add(std::size_t group, std::uint64_t mask) noexcept {
    members_[group] |= mask;
    size_ += static_cast<std::size_t>(std::popcount(mask));
    if (mask != 0) summary_[group / 64] |= bit(group % 64);
  }
  // The members in `mask` leave; all of them must be in.
  void remove(std::size_t group, std::uint64_t mask) noexcept {
    members_[group] &= ~mask;
    size_ -= static_cast<std::size_t>(std::popcount(mask));
    if (members_[group] == 0) summary_[group / 64] &= ~bit(group % 64);
  }

  // Only if the set is not empty.
  std::size_t first_group() const noexcept {
    std::size_t word = 0;
    while (summary_[word] == 0) ++word;
    return word * 64 + static_cast<std::size_t>(std::countr_zero(summary_[word]));
  }
  std::size_t last_group() const noexcept {
    std::size_t word = summary_.size() - 1;
    while (summary_[word] == 0) --word;
    return word * 64 + 63 - static_cast<std::size_t>(std::countl_zero(summary_[word]));
  }
  // Takes the lowest stack out and returns its number.
  std::size_t take_first() noexcept {
    const std::size_t group = first_group();
    const auto index = static_cast<std::size_t>(std::countr_zero(members_[group]));
    remove(group, bit(index));
    return group * stacks_per_group + index;
  }

  static constexpr std::uint64_t bit(std::size_t i) noexcept { return std::uint64_t{1} << i; }

 private:
  std::vector<std::uint64_t> members_;
  std::vector<std::uint64_t> summary_;
  std::size_t size_ = 0;
};

}  // namespace conc::detail

#endif  // CONC_THREADS_STACK_SET_H
