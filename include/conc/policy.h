// conc::policy: in which order a runtime's ready threads run.
#ifndef CONC_POLICY_H
#define CONC_POLICY_H

#include <cstdint>

namespace conc {

// A value that names a scheduling policy. This version runs work_stealing(); a runtime that is
// asked for another one by name throws std::errc::not_supported, and so every name that is listed
// in the environment variable CONC_POLICY but not here is an error at the start.
class policy {
 public:
  // First in, first out on each processor; idle processors take from busy ones. The default.
  constexpr policy() noexcept = default;
  static constexpr policy work_stealing() noexcept { return {}; }

  friend constexpr bool operator==(policy, policy) noexcept = default;
};

}  // namespace conc

#endif  // CONC_POLICY_H
