// How big a test may be on this machine and in this build.
#ifndef CONC_TESTS_SUPPORT_SCALE_H
#define CONC_TESTS_SUPPORT_SCALE_H

#include "conc/thread.h"
#include "threads/sanitizer.h"

namespace conc_test {

#if defined(CONC_TSAN)
inline constexpr bool under_tsan = true;
#else
inline constexpr bool under_tsan = false;
#endif
#if defined(CONC_ASAN)
inline constexpr bool under_asan = true;
#else
inline constexpr bool under_asan = false;
#endif

// A number of rounds: as given for two CPUs and more, less where everything takes longer.
inline int scaled(int rounds) {
  if (under_tsan || under_asan) rounds /= 10;
  if (conc::thread::hardware_concurrency() == 1) rounds /= 3;
  return rounds > 1 ? rounds : 1;
}

// A number of threads to be made: ThreadSanitizer takes a tenth of a millisecond for each.
inline int scaled_threads(int n) { return scaled(under_tsan ? n / 10 : n); }

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_SCALE_H
