// What a blocked task waits for, in a word that dumps and debuggers show.
#ifndef CONC_LOCKS_WAIT_KIND_H
#define CONC_LOCKS_WAIT_KIND_H

#include <cstdint>

namespace conc::detail {

// X(name, words): task::wait_address then is the address of such an object, unless it says
// otherwise. A primitive that does not say what it is counts as `object`. New kinds go to the end:
// debuggers find the words by number (gdb_layout.cc).
#define CONC_WAIT_KINDS(X)                                                           \
  X(object, "an object")                                                             \
  X(condition_variable, "a conc::condition_variable")                                \
  X(io, "input or output")       /* the descriptor instead */                        \
  X(join, "the end of a thread") /* that thread's task instead */                    \
  X(latch, "a conc::latch")                                                          \
  X(mutex, "a conc::mutex")                                                          \
  X(semaphore, "a semaphore")                                                        \
  X(sleep, "its time") /* null instead */                                            \
  X(shared_mutex, "a conc::shared_mutex")                                            \
  X(shared_mutex_to_read, "a conc::shared_mutex, to read")                           \
  X(barrier, "a conc::barrier")                                                      \
  X(once, "a conc::once_flag")                                                       \
  X(atomic, "the change of an atomic")                                               \
  X(task_group, "the children in a conc::task_group")                                \
  X(monitor_condition, "a condition of a conc::hoare_monitor")                       \
  X(monitor_urgent, "its turn to go on in a conc::hoare_monitor")                    \
  X(event_count, "a conc::event_count")                                              \
  X(future, "a future's state")                                                      \
  X(select, "a case of a conc::select") /* the select itself instead */              \
  X(channel_to_send, "a conc::channel, to send")                                     \
  X(channel_to_receive, "a conc::channel, to receive")                               \
  X(condition_variable_any, "a conc::condition_variable_any")                        \
  X(mesa_condition, "a condition of a conc::mesa_monitor") /* the monitor instead */ \
  X(region, "a condition on a conc::region")

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

// A waiter of these kinds is queued at the address of a record of its own; that of the object is in
// task::wait_context. They are the last in the list.
inline constexpr wait_kind first_kind_with_a_record = wait_kind::channel_to_send;

}  // namespace conc::detail

#endif  // CONC_LOCKS_WAIT_KIND_H
