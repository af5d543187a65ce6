// conc::future and conc::shared_future: the reading ends of a shared state. See conc/future.h.
#ifndef CONC_DETAIL_FUTURE_TYPES_H
#define CONC_DETAIL_FUTURE_TYPES_H

#include <chrono>
#include <future>
#include <type_traits>
#include <utility>

#include "conc/detail/deadline.h"
#include "conc/detail/future_state.h"
#include "conc/detail/timed_lock.h"

namespace conc {

template <class T>
class shared_future;

namespace detail {

// What both ends have: whether there is a state, and waiting for it.
template <class T>
class future_base {
 public:
  bool valid() const noexcept { return static_cast<bool>(state_); }

  // All of these throw future_error (no_state) if there is no state.
  void wait() const { state_.checked().wait(); }
  template <class Rep, class Period>
  std::future_status wait_for(const std::chrono::duration<Rep, Period>& time) const {
    return state_.checked().wait_until(deadline_after(time));
  }
  template <class Clock, class Duration>
  std::future_status wait_until(const std::chrono::time_point<Clock, Duration>& time) const {
    return repeat_while_late(time, std::future_status::timeout, [this](steady_nanos deadline) {
      return state_.checked().wait_until(deadline);
    });
  }

 protected:
  future_base() noexcept = default;
  explicit future_base(state_ref<future_state<T>> state) noexcept : state_(std::move(state)) {}

  state_ref<future_state<T>> state_;
};

// Makes the future that belongs to a state. Throws future_already_retrieved at the second call.
struct future_maker {
  template <class T>
  static auto retrieve(future_state<T>& s);
  template <class T>
  static auto adopt(state_ref<future_state<T>> s) noexcept;
};

}  // namespace detail

// The one reader of a shared state. Blocking: wait(), wait_for(), wait_until() and get(); and the
// destructor and the assignment, if async() with launch::async made it and it is the last owner.
// get() may be called once. Thread-safety: that of an int.
template <class T>
class future : public detail::future_base<T> {
 public:
  future() noexcept = default;
  future(future&&) noexcept = default;
  future& operator=(future&&) noexcept = default;

  // Waits, gives the state up, and returns the value or throws the exception.
  T get() {
    this->state_.checked();
    const detail::state_ref state(std::move(this->state_));
    state->wait();
    state->rethrow_if_failed();
    if constexpr (std::is_reference_v<T>) {
      return state->value();
    } else if constexpr (!std::is_void_v<T>) {
      return std::move(state->value());
    }
  }

  shared_future<T> share() noexcept { return shared_future<T>(std::move(*this)); }

 private:
  friend class shared_future<T>;
  friend struct detail::future_maker;
  using detail::future_base<T>::future_base;
};

// One of several readers. Each thread should have a copy of its own; get() may be called at will.
template <class T>
class shared_future : public detail::future_base<T> {
 public:
  shared_future() noexcept = default;
  shared_future(const shared_future&) noexcept = default;
  shared_future(shared_future&&) noexcept = default;
  shared_future(future<T>&& only) noexcept : detail::future_base<T>(std::move(only.state_)) {}
  shared_future& operator=(const shared_future&) noexcept = default;
  shared_future& operator=(shared_future&&) noexcept = default;

  // Waits, and returns the value, which lives as long as the state has an owner, or throws.
  std::conditional_t<std::is_object_v<T>, std::add_lvalue_reference_t<const T>, T> get() const {
    detail::future_state<T>& state = this->state_.checked();
    state.wait();
    state.rethrow_if_failed();
    if constexpr (!std::is_void_v<T>) return state.value();
  }
};

template <class T>
auto detail::future_maker::adopt(state_ref<future_state<T>> s) noexcept {
  return future<T>(std::move(s));
}
template <class T>
auto detail::future_maker::retrieve(future_state<T>& s) {
  s.mark_retrieved();
  s.own();
  return future<T>(state_ref(&s));
}

}  // namespace conc

#endif  // CONC_DETAIL_FUTURE_TYPES_H
