// Deliberate defects, for proving that the tests have teeth.
//
// A step that a protocol cannot do without is written `if (CONC_STEP(name)) ...`. In a normal build
// the macro is the constant true. In a build with mutants it asks whether the environment variable
// CONC_MUTANT names this step, and then leaves the step out; some test must fail because of it.
// The list of steps, each with the test that kills its mutant, is tests/mutants/mutants.txt.
#ifndef CONC_LOCKS_MUTANTS_H
#define CONC_LOCKS_MUTANTS_H

#ifdef CONC_MUTANTS

namespace conc::detail {
bool step_is_mutated(const char* name) noexcept;
}

#define CONC_STEP(name)                                                        \
  ([]() noexcept {                                                             \
    static const bool mutated = ::conc::detail::step_is_mutated(#name);        \
    return !mutated;                                                           \
  }())

#else
#define CONC_STEP(name) true
#endif

#endif  // CONC_LOCKS_MUTANTS_H
