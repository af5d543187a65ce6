// conc::guard and shared_guard: a lock held until the end of the scope, known to Clang's analysis.
#ifndef CONC_GUARD_H
#define CONC_GUARD_H

#include "conc/detail/thread_safety.h"

namespace conc {

// As std::lock_guard, for any lock of this library or another BasicLockable. The difference is seen
// by clang++ -Wthread-safety alone: it learns from these constructors that the lock is held, which
// libstdc++'s guards do not say. A condition variable wants a std::unique_lock all the same.
template <class Lock>
class [[nodiscard]] CONC_SCOPED_CAPABILITY guard {
 public:
  explicit guard(Lock& lock) CONC_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
  ~guard() CONC_RELEASE() { lock_.unlock(); }
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;

 private:
  Lock& lock_;
};

// The same for one reader among many.
template <class Lock>
class [[nodiscard]] CONC_SCOPED_CAPABILITY shared_guard {
 public:
  explicit shared_guard(Lock& lock) CONC_ACQUIRE_SHARED(lock) : lock_(lock) { lock_.lock_shared(); }
  ~shared_guard() CONC_RELEASE() { lock_.unlock_shared(); }
  shared_guard(const shared_guard&) = delete;
  shared_guard& operator=(const shared_guard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace conc

#endif  // CONC_GUARD_H
