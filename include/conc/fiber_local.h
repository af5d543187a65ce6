// conc::fiber_local: storage that follows the thread, user-level or kernel thread.
//
// What `thread_local` is for a kernel thread: each thread has a value of its own, made at its first
// use there and destroyed at the thread's end. A user-level thread keeps its value wherever it
// runs.
//
// Thread-safety: the object may be used by all threads at once, as each sees its own value.
// Destruction: values are destroyed at the end of their thread, by that thread, before it can be
//   joined; a destructor may use other fiber_locals and block. The thread that returns from main()
//   or calls exit() destroys its own then, before the static objects that were there at the first
//   use of any fiber_local. Values that the object leaves behind when it is destroyed itself live
//   until their threads end, or a later object takes its place there.
// Cost: a call, and a look into a table of the thread; one allocation at the first use.
// Errors: std::bad_alloc, and what T's constructor throws; nothing has been made then.
#ifndef CONC_FIBER_LOCAL_H
#define CONC_FIBER_LOCAL_H

#include <cstdint>
#include <memory>

#include "conc/config.h"

namespace conc {
namespace detail {

// A place in each thread's table. Places are used again, serial numbers are not.
class CONC_API fiber_key {
 public:
  fiber_key();  // throws std::bad_alloc
  ~fiber_key();
  fiber_key(const fiber_key&) = delete;
  fiber_key& operator=(const fiber_key&) = delete;

  // The calling thread's value; null if it has none.
  void* find() const noexcept;
  // Gives it one. Throws std::bad_alloc.
  void put(void* value, void (*destroy)(void*) noexcept) const;

 private:
  std::uint32_t place_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace detail

// The value begins as T{}.
template <class T>
class fiber_local {
 public:
  fiber_local() = default;

  T& operator*() const { return get(); }
  T* operator->() const { return std::addressof(get()); }
  T& get() const {
    if (void* found = key_.find(); found != nullptr) [[likely]]
      return *static_cast<T*>(found);
    return make();
  }

 private:
  T& make() const {
    auto made = std::make_unique<T>();
    key_.put(made.get(), [](void* value) noexcept { delete static_cast<T*>(value); });
    return *made.release();
  }

  detail::fiber_key key_;
};

}  // namespace conc

#endif  // CONC_FIBER_LOCAL_H
