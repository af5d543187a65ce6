// Build configuration that every public header shares: symbol visibility, version, checked builds.
#ifndef CONC_CONFIG_H
#define CONC_CONFIG_H

#define CONC_VERSION_MAJOR 0
#define CONC_VERSION_MINOR 1
#define CONC_VERSION_PATCH 0

// The library is compiled with hidden visibility; what users may call carries this mark.
#define CONC_API [[gnu::visibility("default")]]

// What a waiting loop tells the processor: the loop is a wait, so give the sibling the pipeline.
#if defined(__x86_64__)
#define CONC_CPU_RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define CONC_CPU_RELAX() asm volatile("isb" ::: "memory")
#else
#error "conc supports x86-64 (tested) and aarch64 (untested)"
#endif

#endif  // CONC_CONFIG_H
