// The lock that guards the library's own short lists (conc/detail/internal_lock.h), held by scope.
#ifndef CONC_LOCKS_INTERNAL_LOCK_H
#define CONC_LOCKS_INTERNAL_LOCK_H

#include "conc/detail/internal_lock.h"

namespace conc::detail {

class internal_lock_guard {
 public:
  explicit internal_lock_guard(internal_lock& l) noexcept : lock_(l) { lock_.lock(); }
  ~internal_lock_guard() { lock_.unlock(); }
  internal_lock_guard(const internal_lock_guard&) = delete;
  internal_lock_guard& operator=(const internal_lock_guard&) = delete;

 private:
  internal_lock& lock_;
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_INTERNAL_LOCK_H
