// conc::policy: in which order a runtime's ready threads run.
#ifndef CONC_POLICY_H
#define CONC_POLICY_H

#include <chrono>
#include <cstdint>

namespace conc {

struct mlfq_options {
  unsigned levels = 3;
  // After so long every thread is on the highest level again.
  std::chrono::microseconds boost_after{1'000'000};
};

// A value that names a scheduling policy, with its parameters. This version runs work_stealing();
// the constructor of a runtime that is asked for another one throws std::system_error
// (not_supported). CONC_POLICY takes the same names, and decides where a program has not: of two
// equal values policy() leaves it the choice, and work_stealing() does not.
//
// Thread-safety: a value; making one neither blocks nor throws.
class policy {
 public:
  // First in, first out on each processor; idle processors take from busy ones. The default.
  constexpr policy() noexcept = default;
  static constexpr policy work_stealing() noexcept { return policy(kind::work_stealing); }

  static constexpr policy fifo() noexcept { return policy(kind::fifo); }
  static constexpr policy round_robin() noexcept { return policy(kind::round_robin); }
  // Shortest job first; shortest time to completion first.
  static constexpr policy sjf() noexcept { return policy(kind::sjf); }
  static constexpr policy stcf() noexcept { return policy(kind::stcf); }
  // Multi-level feedback queue.
  static constexpr policy mlfq(const mlfq_options& how = {}) noexcept {
    policy p(kind::mlfq);
    p.mlfq_ = how;
    return p;
  }
  static constexpr policy lottery(std::uint64_t seed = 0) noexcept {
    policy p(kind::lottery);
    p.seed_ = seed;
    return p;
  }
  static constexpr policy batch() noexcept { return policy(kind::batch); }

  enum class kind : std::uint8_t {
    work_stealing,
    fifo,
    round_robin,
    sjf,
    stcf,
    mlfq,
    lottery,
    batch,
  };
  constexpr kind which() const noexcept { return kind_; }
  // Whether somebody has named it; false for policy().
  constexpr bool is_chosen() const noexcept { return chosen_; }

  friend constexpr bool operator==(const policy& a, const policy& b) noexcept {
    return a.kind_ == b.kind_ && a.seed_ == b.seed_ && a.mlfq_.levels == b.mlfq_.levels &&
           a.mlfq_.boost_after == b.mlfq_.boost_after;
  }

 private:
  constexpr explicit policy(kind k) noexcept : kind_(k), chosen_(true) {}

  kind kind_ = kind::work_stealing;
  bool chosen_ = false;
  mlfq_options mlfq_ = {};
  std::uint64_t seed_ = 0;
};

}  // namespace conc

#endif  // CONC_POLICY_H
