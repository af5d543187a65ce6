// A checking build is compiled with ThreadSanitizer's instrumentation, but not with its library:
// the checker answers its calls (plain.cc). So the sources must not take it for such a build.
#ifndef CONC_LOCKS_SANITIZED_H
#define CONC_LOCKS_SANITIZED_H
#endif  // CONC_LOCKS_SANITIZED_H
