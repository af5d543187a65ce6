// What a call throws, as a value.
#ifndef CONC_TESTS_SUPPORT_ERROR_OF_H
#define CONC_TESTS_SUPPORT_ERROR_OF_H

#include <system_error>

namespace conc_test {

// Runs `f` and returns the error that it threw, or none.
template <class F>
std::error_code error_of(F f) {
  try {
    f();
  } catch (const std::system_error& e) {
    return e.code();
  }
  return {};
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_ERROR_OF_H
