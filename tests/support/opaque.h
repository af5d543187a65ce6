// Functions that no compiler looks through, not even when the program is linked: for what it must
// not remember from one call to the next.
#ifndef CONC_TESTS_SUPPORT_OPAQUE_H
#define CONC_TESTS_SUPPORT_OPAQUE_H

#if defined(__clang__)
#define CONC_OPAQUE gnu::noinline, clang::optnone
#else
#define CONC_OPAQUE gnu::noipa
#endif

#endif  // CONC_TESTS_SUPPORT_OPAQUE_H
