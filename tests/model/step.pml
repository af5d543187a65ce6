// What every model shares.
//
// STEP(name) stands before a step that the protocol cannot do without, as CONC_STEP(name) does in
// the sources. It is true, but for the mutant of that name: tests/model/run_model.py numbers the
// steps, compiles the verifier once, and names the step to be left out when it runs it.
c_decl {
\#include <stdlib.h>
static int left_out;
__attribute__((constructor)) static void read_left_out(void) {
  const char *step = getenv("LEFT_OUT");
  if (step != NULL) left_out = atoi(step);
}
}
#define STEP(name) c_expr { left_out != STEP_##name }

// A short lock, such as that of a bucket: internal_lock.h, without its spinning.
#define LOCK(l) atomic { !l -> l = 1 }
#define UNLOCK(l) l = 0
