// conc::packaged_task: a callable whose outcome goes to a future. See conc/future.h.
#ifndef CONC_DETAIL_PACKAGED_TASK_H
#define CONC_DETAIL_PACKAGED_TASK_H

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include "conc/detail/future_state.h"
#include "conc/detail/future_types.h"

namespace conc {

template <class Signature>
class packaged_task;

namespace detail {

// State and callable in one.
template <class R, class... Arguments>
class packaged_state : public future_state<R> {
 public:
  // Calls it and stores what comes, without making the state ready.
  virtual void run(Arguments... arguments) = 0;
  // A new state with the callable of this one.
  virtual state_ref<packaged_state> renew() = 0;
};

template <class F, class R, class... Arguments>
class packaged_call final : public packaged_state<R, Arguments...> {
 public:
  template <class G>
  explicit packaged_call(G&& f) : call_(std::forward<G>(f)) {}

 private:
  void run(Arguments... arguments) override {
    this->claim();
    this->fill([&]() -> R {
      if constexpr (std::is_void_v<R>) {
        static_cast<void>(std::invoke(call_, std::forward<Arguments>(arguments)...));
      } else {
        return std::invoke(call_, std::forward<Arguments>(arguments)...);
      }
    });
  }
  state_ref<packaged_state<R, Arguments...>> renew() override {
    return state_ref<packaged_state<R, Arguments...>>(new packaged_call(std::move(call_)));
  }

  F call_;
};

// The signature of a callable that has one call operator.
template <class Member>
struct signature_of;
template <class R, class C, bool N, class... A>
struct signature_of<R (C::*)(A...) noexcept(N)> {
  using type = R(A...);
};
template <class R, class C, bool N, class... A>
struct signature_of<R (C::*)(A...)& noexcept(N)> {
  using type = R(A...);
};
template <class R, class C, bool N, class... A>
struct signature_of<R (C::*)(A...) const noexcept(N)> {
  using type = R(A...);
};
template <class R, class C, bool N, class... A>
struct signature_of<R (C::*)(A...) const& noexcept(N)> {
  using type = R(A...);
};

}  // namespace detail

// Holds a callable; calling the task calls it and makes the state ready with what it returns or
// throws. Calling never blocks by itself. If the task goes away uncalled, its future finds
// broken_promise. Thread-safety: that of an int, but get_future() may be called during the call.
template <class R, class... Arguments>
class packaged_task<R(Arguments...)> {
 public:
  packaged_task() noexcept = default;
  // Throws what copying or moving f throws, and std::bad_alloc.
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, packaged_task> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Arguments...>) explicit packaged_task(F&& f)
      : state_(new detail::packaged_call<std::decay_t<F>, R, Arguments...>(std::forward<F>(f))) {}
  packaged_task(packaged_task&&) noexcept = default;
  packaged_task& operator=(packaged_task&& other) noexcept {
    packaged_task(std::move(other)).swap(*this);
    return *this;
  }
  ~packaged_task() {
    if (state_) state_->abandon();
  }

  void swap(packaged_task& other) noexcept { std::swap(state_, other.state_); }
  bool valid() const noexcept { return static_cast<bool>(state_); }

  // Throws future_error: no_state, future_already_retrieved.
  future<R> get_future() {
    return detail::future_maker::retrieve(static_cast<detail::future_state<R>&>(state_.checked()));
  }
  // Throws future_error: no_state, promise_already_satisfied if it was called before.
  void operator()(Arguments... arguments) {
    auto& state = state_.checked();
    state.run(std::forward<Arguments>(arguments)...);
    state.make_ready();
  }
  // The same, but not ready before the calling thread ends: see conc::promise. Throws
  // std::bad_alloc, too; the callable has not been called then.
  void make_ready_at_thread_exit(Arguments... arguments) {
    auto& state = state_.checked();
    auto ready = state.ready_at_exit();
    state.run(std::forward<Arguments>(arguments)...);
    detail::at_thread_exit(std::move(ready));
  }
  // Ready to be called again, with a new state; the old one is abandoned. Throws future_error
  // (no_state), std::bad_alloc, or what moving the callable throws.
  void reset() { *this = packaged_task(state_.checked().renew()); }

 private:
  explicit packaged_task(detail::state_ref<detail::packaged_state<R, Arguments...>> state) noexcept
      : state_(std::move(state)) {}

  detail::state_ref<detail::packaged_state<R, Arguments...>> state_;
};

template <class R, class... Arguments>
packaged_task(R (*)(Arguments...)) -> packaged_task<R(Arguments...)>;
template <class F>
packaged_task(F) -> packaged_task<typename detail::signature_of<decltype(&F::operator())>::type>;

template <class R, class... Arguments>
void swap(packaged_task<R(Arguments...)>& a, packaged_task<R(Arguments...)>& b) noexcept {
  a.swap(b);
}

}  // namespace conc

#endif  // CONC_DETAIL_PACKAGED_TASK_H
