// conc::async: a function's outcome as a future, from a thread of its own or when it is asked for.
// See conc/future.h.
#ifndef CONC_DETAIL_ASYNC_H
#define CONC_DETAIL_ASYNC_H

#include <functional>
#include <future>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "conc/detail/future_state.h"
#include "conc/detail/future_types.h"
#include "conc/detail/thread_maker.h"
#include "conc/thread.h"

namespace conc {
namespace detail {

// Run by the first that waits for it without a limit.
template <class R, class Call>
class deferred_state final : public future_state<R> {
 public:
  explicit deferred_state(Call&& call)
      : future_state<R>(future_state_base::deferred), call_(std::move(call)) {}

 private:
  void run_deferred() noexcept override {
    this->fill([this]() -> R { return call_.call_once(); });
  }

  Call call_;
};

// Run by a thread. It owns no share: the last owner waits for its end.
template <class R, class Call>
class async_state final : public future_state<R> {
 public:
  explicit async_state(Call&& call)
      : future_state<R>(future_state_base::threaded), call_(std::move(call)) {}
  // Throws std::system_error.
  void start() {
    thread_ = thread([this] {
      this->fill([this]() -> R { return call_.call_once(); });
      this->make_ready();
    });
  }
  // For the case that it has not been started.
  Call& call() noexcept { return call_; }

 private:
  ~async_state() override { join_thread(); }
  void join_thread() noexcept override {
    if (thread_.joinable()) thread_.join();
  }

  Call call_;
  thread thread_;
};

}  // namespace detail

template <class F, class... Arguments>
using async_result = std::invoke_result_t<std::decay_t<F>, std::decay_t<Arguments>...>;

// As std::async: f(arguments...), copied or moved here and now, with launch::async on a user-level
// thread of the caller's runtime (or the default one), with launch::deferred in the thread that
// first waits for the future without a time limit. With both, which is what the second form means,
// a thread is made if there can be one. Never blocks; but the last owner of the state of
// launch::async waits in its destructor for the thread's end, so a future that is dropped at once
// makes the call a blocking one. Throws std::bad_alloc, and with launch::async alone
// std::system_error if no thread can be made.
template <class F, class... Arguments>
[[nodiscard]] future<async_result<F, Arguments...>> async(std::launch policy, F&& f,
                                                          Arguments&&... arguments) {
  using result = async_result<F, Arguments...>;
  auto call = detail::bind_call(std::forward<F>(f), std::forward<Arguments>(arguments)...);
  using deferred = detail::deferred_state<result, decltype(call)>;
  using threaded = detail::async_state<result, decltype(call)>;
  const auto as_future = [](detail::future_state<result>* state) {
    return detail::future_maker::adopt(detail::state_ref(state));
  };
  if ((policy & std::launch::async) == std::launch::async) {
    auto* state = new threaded(std::move(call));
    detail::state_ref<detail::future_state<result>> owner(state);
    try {
      state->start();
      return detail::future_maker::adopt(std::move(owner));
    } catch (const std::system_error&) {
      if ((policy & std::launch::deferred) != std::launch::deferred) throw;
    }
    return as_future(new deferred(std::move(state->call())));
  }
  return as_future(new deferred(std::move(call)));
}

template <class F, class... Arguments>
requires(!std::is_same_v<std::decay_t<F>, std::launch>)
    [[nodiscard]] future<async_result<F, Arguments...>> async(F&& f, Arguments&&... arguments) {
  return conc::async(std::launch::async | std::launch::deferred, std::forward<F>(f),
                     std::forward<Arguments>(arguments)...);
}

}  // namespace conc

#endif  // CONC_DETAIL_ASYNC_H
