// The one name under which the library uses atomics.
//
// A checking build replaces the alias by instrumented atomics and runs the shipped source under a
// controlled schedule; nothing else in the library may say std::atomic for its own state.
#ifndef CONC_DETAIL_ATOMIC_H
#define CONC_DETAIL_ATOMIC_H

#include <atomic>

namespace conc::detail {

template <class T>
using atomic = std::atomic<T>;

using std::atomic_flag;  // for atomic_wait.h: the library has none of its own

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

}  // namespace conc::detail

#endif  // CONC_DETAIL_ATOMIC_H
