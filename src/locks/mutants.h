// Deliberate defects, for proving that the tests have teeth.
//
// A step that a protocol cannot do without is written `if (CONC_STEP(name)) ...`. In a normal build
// the macro is the constant true. In a build with mutants it asks whether the environment variable
// CONC_MUTANT names this step, and then leaves the step out; some test must fail because of it.
// Where the absence only shows at an unlucky moment, `CONC_GAP(name);` stands at that moment: for
// the mutant of that name it lasts some microseconds (or as many nanoseconds as a second argument
// says), and is nothing otherwise.
// The list of steps, each with the test that kills its mutant, is tests/mutants/mutants.txt.
#ifndef CONC_LOCKS_MUTANTS_H
#define CONC_LOCKS_MUTANTS_H

#ifdef CONC_MUTANTS

#include <cstdint>

namespace conc::detail {
bool step_is_mutated(const char* name) noexcept;
void linger(std::int64_t length = 3'000) noexcept;
}  // namespace conc::detail

#define CONC_STEP(name)                                                 \
  ([]() noexcept {                                                      \
    static const bool mutated = ::conc::detail::step_is_mutated(#name); \
    return !mutated;                                                    \
  }())

#define CONC_GAP(name, ...) \
  if (!CONC_STEP(name)) ::conc::detail::linger(__VA_ARGS__)

#else
#define CONC_STEP(name) true
#define CONC_GAP(name, ...) static_cast<void>(0)
#endif

#endif  // CONC_LOCKS_MUTANTS_H
