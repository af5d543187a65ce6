// Functions that a stack trace must find its way through, and that it can be asked for by name.
#ifndef CONC_TESTS_SUPPORT_NO_FRAME_POINTERS_H
#define CONC_TESTS_SUPPORT_NO_FRAME_POINTERS_H

extern "C" {
// Calls itself `depth` times and then bottom(argument).
long conc_test_no_frame_pointer(int depth, void (*bottom)(void*), void* argument);
// Calls bottom(argument) from a frame whose size is not known to the compiler.
long conc_test_with_alloca(unsigned bytes, void (*bottom)(void*), void* argument);
}

#endif  // CONC_TESTS_SUPPORT_NO_FRAME_POINTERS_H
