// conc::promise: the writing end of a shared state, by hand. See conc/future.h.
#ifndef CONC_DETAIL_PROMISE_H
#define CONC_DETAIL_PROMISE_H

#include <exception>
#include <memory>
#include <utility>

#include "conc/detail/future_state.h"
#include "conc/detail/future_types.h"

namespace conc {
namespace detail {

// A state that lives in an allocator's memory.
template <class T, class Allocator>
class allocated_state final : public future_state<T> {
  using traits = typename std::allocator_traits<Allocator>::template rebind_traits<allocated_state>;

 public:
  static state_ref<future_state<T>> make(const Allocator& a) {
    typename traits::allocator_type own(a);
    auto* memory = traits::allocate(own, 1);
    return state_ref<future_state<T>>(::new (static_cast<void*>(std::to_address(memory)))
                                          allocated_state(std::move(own)));
  }

 private:
  explicit allocated_state(typename traits::allocator_type&& own) noexcept
      : allocator_(std::move(own)) {}
  void destroy() noexcept override {
    auto own = std::move(allocator_);
    const auto memory = std::pointer_traits<typename traits::pointer>::pointer_to(*this);
    this->~allocated_state();
    traits::deallocate(own, memory, 1);
  }

  [[no_unique_address]] typename traits::allocator_type allocator_;
};

// What the three kinds of promise have in common.
template <class T>
class promise_base {
 public:
  promise_base() : state_(new future_state<T>) {}
  template <class Allocator>
  promise_base(std::allocator_arg_t, const Allocator& a)
      : state_(allocated_state<T, Allocator>::make(a)) {}
  promise_base(promise_base&&) noexcept = default;
  promise_base& operator=(promise_base&& other) noexcept {
    promise_base(std::move(other)).swap_states(*this);
    return *this;
  }
  ~promise_base() {
    if (state_) state_->abandon();
  }

  // Throws future_error: no_state, future_already_retrieved.
  future<T> get_future() { return future_maker::retrieve(state_.checked()); }
  // Throws future_error: no_state, promise_already_satisfied.
  void set_exception(std::exception_ptr failure) {
    state_.checked().store_exception(std::move(failure));
  }
  // As set_exception() now, but not ready before the calling thread ends. Throws std::bad_alloc,
  // too; nothing has been stored then.
  void set_exception_at_thread_exit(std::exception_ptr failure) {
    state_.checked().store_exception_at_exit(std::move(failure));
  }

 protected:
  void swap_states(promise_base& other) noexcept { std::swap(state_, other.state_); }

  // For as long as the waiters that are let go may destroy the promise, nothing of it is touched.
  template <class... Argument>
  void store(Argument&&... argument) {
    future_state<T>& state = state_.checked();
    state.construct(std::forward<Argument>(argument)...);
    state.make_ready();
  }
  template <class... Argument>
  void store_at_exit(Argument&&... argument) {
    future_state<T>& state = state_.checked();
    auto ready = state.ready_at_exit();
    state.construct(std::forward<Argument>(argument)...);
    at_thread_exit(std::move(ready));
  }

 private:
  state_ref<future_state<T>> state_;
};

}  // namespace detail

// Makes the state ready by a value or an exception, once. If it goes away without, its future
// finds broken_promise. Blocking: never. Thread-safety: one thread may call set_value() or
// set_exception() while another calls get_future(); of several that store, one succeeds and the
// others get promise_already_satisfied, even if the one then fails to make the value.
//
// The members that end with at_thread_exit store at once, so that whoever stores later gets
// promise_already_satisfied, and make the state ready when the calling thread ends, of whichever
// kind it is: when what belongs to it has been destroyed, before it can be joined
// (conc/detail/thread_exit.h; the main thread ends with exit()). The promise may go before. They
// also throw std::bad_alloc; nothing has been stored then.
template <class T>
class promise : public detail::promise_base<T> {
 public:
  using detail::promise_base<T>::promise_base;
  // Throws future_error (no_state, promise_already_satisfied) or what T's constructor throws.
  void set_value(const T& value) { this->store(value); }
  void set_value(T&& value) { this->store(std::move(value)); }
  void set_value_at_thread_exit(const T& value) { this->store_at_exit(value); }
  void set_value_at_thread_exit(T&& value) { this->store_at_exit(std::move(value)); }
  void swap(promise& other) noexcept { this->swap_states(other); }
};

template <class T>
class promise<T&> : public detail::promise_base<T&> {
 public:
  using detail::promise_base<T&>::promise_base;
  void set_value(T& value) { this->store(value); }
  void set_value_at_thread_exit(T& value) { this->store_at_exit(value); }
  void swap(promise& other) noexcept { this->swap_states(other); }
};

template <>
class promise<void> : public detail::promise_base<void> {
 public:
  using detail::promise_base<void>::promise_base;
  void set_value() { store(); }
  void set_value_at_thread_exit() { store_at_exit(); }
  void swap(promise& other) noexcept { swap_states(other); }
};

template <class T>
void swap(promise<T>& a, promise<T>& b) noexcept {
  a.swap(b);
}

}  // namespace conc

template <class T, class Allocator>
struct std::uses_allocator<conc::promise<T>, Allocator> : std::true_type {};

#endif  // CONC_DETAIL_PROMISE_H
