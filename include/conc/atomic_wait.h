// conc::atomic_wait, atomic_notify_one and atomic_notify_all: wait until an atomic has changed.
#ifndef CONC_ATOMIC_WAIT_H
#define CONC_ATOMIC_WAIT_H

#include <cstring>
#include <memory>
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

// Waits at `address` for as long as unchanged() says so.
template <class Unchanged>
void wait_while(const void* address, const Unchanged& unchanged) noexcept {
  while (unchanged()) {
    wait_at_address(
        address,
        [](const void* context) noexcept -> bool {
          return (*static_cast<const Unchanged*>(context))();
        },
        std::addressof(unchanged));
  }
}

}  // namespace detail

// As std::atomic_wait_explicit: suspends the caller while object.load(order) has the value
// representation of `old`, looking again after each notification. For any std::atomic<T> and
// std::atomic_flag, in user-level threads and kernel threads. (Their own member functions block the
// kernel thread, and only wake those that wait by them.) Each exists for a reference and, as in
// <atomic>, for a pointer. Name them with conc::, or those of <atomic> are candidates as well.
//
// Blocking: the waits suspend; the others never block.
// Wakes: in the order of arrival. A notification costs one locked instruction when nobody waits.
// Destruction: a notification uses the atomic's address only, so the atomic may be gone by then.
// Order: what `order` says, seq_cst by default; a notification orders nothing by itself.
template <class T>
void atomic_wait(const detail::atomic<T>& object, typename detail::atomic<T>::value_type old,
                 std::memory_order order = std::memory_order_seq_cst) noexcept {
  detail::wait_while(&object,
                     [&]() noexcept { return detail::same_value<T>(object.load(order), old); });
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

// The same with the signatures of <atomic>.
template <class T>
void atomic_wait(const detail::atomic<T>* object,
                 typename detail::atomic<T>::value_type old) noexcept {
  conc::atomic_wait(*object, old);
}
template <class T>
void atomic_wait_explicit(const detail::atomic<T>* object,
                          typename detail::atomic<T>::value_type old,
                          std::memory_order order) noexcept {
  conc::atomic_wait(*object, old, order);
}
template <class T>
void atomic_notify_one(const detail::atomic<T>* object) noexcept {
  detail::notify_one_at_address(object);
}
template <class T>
void atomic_notify_all(const detail::atomic<T>* object) noexcept {
  detail::notify_all_at_address(object);
}

inline void atomic_wait(const detail::atomic_flag& flag, bool old,
                        std::memory_order order = std::memory_order_seq_cst) noexcept {
  detail::wait_while(&flag, [&]() noexcept { return flag.test(order) == old; });
}
inline void atomic_notify_one(const detail::atomic_flag& flag) noexcept {
  detail::notify_one_at_address(&flag);
}
inline void atomic_notify_all(const detail::atomic_flag& flag) noexcept {
  detail::notify_all_at_address(&flag);
}
inline void atomic_flag_wait(const detail::atomic_flag* flag, bool old) noexcept {
  conc::atomic_wait(*flag, old);
}
inline void atomic_flag_wait_explicit(const detail::atomic_flag* flag, bool old,
                                      std::memory_order order) noexcept {
  conc::atomic_wait(*flag, old, order);
}
inline void atomic_flag_notify_one(const detail::atomic_flag* flag) noexcept {
  detail::notify_one_at_address(flag);
}
inline void atomic_flag_notify_all(const detail::atomic_flag* flag) noexcept {
  detail::notify_all_at_address(flag);
}

}  // namespace conc

#endif  // CONC_ATOMIC_WAIT_H
