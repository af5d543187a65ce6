// Under which sanitizer this is compiled: CONC_ASAN, CONC_TSAN. g++ and clang++ say it differently.
#ifndef CONC_LOCKS_SANITIZED_H
#define CONC_LOCKS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define CONC_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONC_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define CONC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONC_TSAN 1
#endif
#endif

#endif  // CONC_LOCKS_SANITIZED_H
