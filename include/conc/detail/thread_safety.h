// Clang's thread-safety analysis, told what the locks do: which member takes a lock and which gives
// it back. With clang++ -Wthread-safety a forgotten unlock, or a look at data whose lock is not
// held, becomes a warning. Other compilers see nothing.
//
// The macros are the library's own; programs mark their data with attributes or macros of theirs,
// and take locks by conc/guard.h, since libstdc++'s guards tell the analysis nothing.
#ifndef CONC_DETAIL_THREAD_SAFETY_H
#define CONC_DETAIL_THREAD_SAFETY_H

#if defined(__clang__)
#define CONC_THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define CONC_THREAD_SAFETY(attribute)
#endif

// A class whose objects are locks.
#define CONC_CAPABILITY(kind) CONC_THREAD_SAFETY(capability(kind))
// A class whose objects hold a lock from their construction to their destruction.
#define CONC_SCOPED_CAPABILITY CONC_THREAD_SAFETY(scoped_lockable)
// Members that take the lock, for writing or together with other readers; that try, and say with
// true that they have; that give it back. Without an argument the lock is the object itself.
#define CONC_ACQUIRE(...) CONC_THREAD_SAFETY(acquire_capability(__VA_ARGS__))
#define CONC_ACQUIRE_SHARED(...) CONC_THREAD_SAFETY(acquire_shared_capability(__VA_ARGS__))
#define CONC_TRY_ACQUIRE() CONC_THREAD_SAFETY(try_acquire_capability(true))
#define CONC_TRY_ACQUIRE_SHARED() CONC_THREAD_SAFETY(try_acquire_shared_capability(true))
#define CONC_RELEASE(...) CONC_THREAD_SAFETY(release_capability(__VA_ARGS__))
#define CONC_RELEASE_SHARED(...) CONC_THREAD_SAFETY(release_shared_capability(__VA_ARGS__))
// Members whose body the analysis cannot follow.
#define CONC_NO_THREAD_SAFETY_ANALYSIS CONC_THREAD_SAFETY(no_thread_safety_analysis)

#endif  // CONC_DETAIL_THREAD_SAFETY_H
