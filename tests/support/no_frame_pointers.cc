// Compiled without frame pointers, and with the frame pointer's register destroyed on the way: only
// call frame information leads out of here.
#include "support/no_frame_pointers.h"

extern "C" long conc_test_no_frame_pointer(int depth, void (*bottom)(void*), void* argument) {
#if defined(__x86_64__)
  asm volatile("movq $8, %%rbp" ::: "rbp");
#endif
  volatile long room[5] = {depth, 1, 2, 3, 4};
  if (depth == 0) {
    bottom(argument);
  } else {
    room[1] = conc_test_no_frame_pointer(depth - 1, bottom, argument);
  }
  return room[0] + room[1];
}

extern "C" long conc_test_with_alloca(unsigned bytes, void (*bottom)(void*), void* argument) {
  volatile char* room = static_cast<volatile char*>(__builtin_alloca(bytes));
  room[0] = 1;
  room[bytes - 1] = 2;
  bottom(argument);
  return room[0] + room[bytes - 1];
}
