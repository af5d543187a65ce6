// What a blocked task waits for, in a word that dumps and debuggers show.
#ifndef CONC_LOCKS_WAIT_KIND_H
#define CONC_LOCKS_WAIT_KIND_H

#include <cstdint>

namespace conc::detail {

// X(name, words): task::wait_address then is the address of such an object, unless it says
// otherwise. A primitive that does not say what it is counts as `object`. New kinds go to the end:
// debuggers find the words by number (gdb_layout.cc).
#define CONC_WAIT_KINDS(X)                                        \
  X(object, "an object")                                          \
  X(condition_variable, "a conc::condition_variable")             \
  X(io, "input or output")       /* the descriptor instead */     \
  X(join, "the end of a thread") /* that thread's task instead */ \
  X(latch, "a conc::latch")                                       \
  X(mutex, "a conc::mutex")                                       \
  X(semaphore, "a semaphore")                                     \
  X(sleep, "its time") /* null instead */                         \
  X(shared_mutex, "a conc::shared_mutex")                         \
  X(shared_mutex_to_read, "a conc::shared_mutex, to read")        \
  X(barrier, "a conc::barrier")                                   \
  X(once, "a conc::once_flag")                                    \
  X(atomic, "the change of an atomic")                            \
  X(task_group, "the children in a conc::task_group")             \
  X(monitor_condition, "a condition of a conc::hoare_monitor")    \
  X(monitor_urgent, "its turn to go on in a conc::hoare_monitor")

enum class wait_kind : std::uint8_t {
#define CONC_ENUMERATOR(name, words) name,
  CONC_WAIT_KINDS(CONC_ENUMERATOR)
#undef CONC_ENUMERATOR
};

inline constexpr const char* wait_kind_words[] = {
#define CONC_WORDS(name, words) words,
    CONC_WAIT_KINDS(CONC_WORDS)
#undef CONC_WORDS
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_WAIT_KIND_H
