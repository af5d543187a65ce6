// conc::atomic_wait, atomic_notify_one and atomic_notify_all: wait until an atomic has changed.
#ifndef CONC_ATOMIC_WAIT_H
#define CONC_ATOMIC_WAIT_H

#include <cstring>
#include <type_traits>

#include "conc/config.h"
#include "conc/detail/atomic.h"

namespace conc {
namespace detail {

// Suspends the caller at `address` if must_wait(context), which is asked under the lock of its
// bucket, where it must not block. May return without need.
CONC_API void wait_at_address(const void* address, bool (*must_wait)(const void*) noexcept,
                              const void* context) noexcept;
CONC_API void notify_one_at_address(const void* address) noexcept;
CONC_API void notify_all_at_address(const void* address) noexcept;

// Whether two values have the same value representation: padding does not count.
template <class T>
bool same_value(T a, T b) noexcept {
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define CONC_CLEARS_PADDING 1
#endif
#endif
  if constexpr (!std::has_unique_object_representations_v<T> && !std::is_same_v<T, float> &&
                !std::is_same_v<T, double>) {
#if defined(CONC_CLEARS_PADDING)
    __builtin_clear_padding(&a);
    __builtin_clear_padding(&b);
#else
    static_assert(std::has_unique_object_representations_v<T>,
                  "this compiler cannot leave out the padding of such a type");
#endif
  }
  return std::memcmp(&a, &b, sizeof(T)) == 0;
#undef CONC_CLEARS_PADDING
}

}  // namespace detail

// As std::atomic_wait_explicit: suspends the caller while object.load(order) has the value
// representation of `old`, looking again after each notification. For any std::atomic<T>, in user-
// level threads and kernel threads. (std::atomic's own member functions block the kernel thread,
// and only wake those that wait by them.)
//
// Blocking: atomic_wait() suspends; the others never block.
// Wakes: in the order of arrival. A notification costs one locked instruction when nobody waits.
// Destruction: a notification uses the atomic's address only, so the atomic may be gone by then.
// Order: what `order` says, seq_cst by default; a notification orders nothing by itself.
template <class T>
void atomic_wait(const detail::atomic<T>& object, typename detail::atomic<T>::value_type old,
                 std::memory_order order = std::memory_order_seq_cst) noexcept {
  struct look {
    const detail::atomic<T>& object;
    const T& old;
    std::memory_order order;
    bool unchanged() const noexcept { return detail::same_value<T>(object.load(order), old); }
  };
  const look l{object, old, order};
  while (l.unchanged()) {
    detail::wait_at_address(
        &object,
        [](const void* context) noexcept { return static_cast<const look*>(context)->unchanged(); },
        &l);
  }
}

// Makes the thread that has waited longest look again; all of them. Call it after the change.
template <class T>
void atomic_notify_one(const detail::atomic<T>& object) noexcept {
  detail::notify_one_at_address(&object);
}
template <class T>
void atomic_notify_all(const detail::atomic<T>& object) noexcept {
  detail::notify_all_at_address(&object);
}

}  // namespace conc

#endif  // CONC_ATOMIC_WAIT_H
