// conc::select: wait for whichever of several channels is ready first.
#ifndef CONC_SELECT_H
#define CONC_SELECT_H

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "conc/channel.h"
#include "conc/detail/timed_lock.h"

namespace conc {
namespace detail {
class selection;
}

// One of the things that a select may do: receive from a channel, or send to one, and then call a
// function with the outcome. Not movable; used by one select at a time, as often as wanted.
class select_case {
 public:
  select_case(const select_case&) = delete;
  select_case& operator=(const select_case&) = delete;
  virtual ~select_case() = default;

  // Calls the function; for select() itself, once the case has been chosen.
  virtual void served() = 0;

 protected:
  select_case(detail::channel_core& channel, void* value, detail::put_fn put) noexcept
      : channel_(channel), value_(value), put_(put) {}
  void enable(bool condition) noexcept { enabled_ = condition; }
  bool was_closed() const noexcept { return status_ == channel_status::closed; }

 private:
  friend class detail::selection;

  detail::channel_core& channel_;
  void* value_;         // what is sent, or the std::optional that receives
  detail::put_fn put_;  // null: receives
  bool enabled_ = true;
  channel_status status_ = channel_status::would_block;
};

template <class T, class F>
class recv_case final : public select_case {
 public:
  // `then(std::optional<T>)`: empty if the channel is closed and nothing is left in it.
  recv_case(channel<T>& from, F then)
      : select_case(detail::core_of(from), &received_, nullptr), then_(std::move(then)) {}

  // A case whose condition does not hold is left out.
  recv_case& when(bool condition) & noexcept { return this->enable(condition), *this; }
  recv_case&& when(bool condition) && noexcept { return std::move(this->when(condition)); }

  void served() override {
    static_cast<void>(std::invoke(then_, std::exchange(received_, std::nullopt)));
  }

 private:
  F then_;
  std::optional<T> received_;
};

template <class T, class F>
class send_case final : public select_case {
 public:
  // `then(bool)`: false if the channel is closed. The value is moved, or copied, when the case is
  // chosen, is untouched otherwise, and must live until then.
  send_case(channel<T>& to, T&& value, F then)
      : select_case(detail::core_of(to), std::addressof(value), detail::put_moved<T>),
        then_(std::move(then)) {}
  send_case(channel<T>& to, const T& value, F then) requires std::copy_constructible<T>
      : select_case(detail::core_of(to), const_cast<T*>(std::addressof(value)),
                    detail::put_copied<T>),
        then_(std::move(then)) {}

  send_case& when(bool condition) & noexcept { return this->enable(condition), *this; }
  send_case&& when(bool condition) && noexcept { return std::move(this->when(condition)); }

  void served() override { static_cast<void>(std::invoke(then_, !this->was_closed())); }

 private:
  F then_;
};

template <class T, class F>
[[nodiscard]] recv_case<T, F> on_recv(channel<T>& from, F then) {
  return recv_case<T, F>(from, std::move(then));
}
template <class T, class F>
[[nodiscard]] send_case<T, F> on_send(channel<T>& to, std::type_identity_t<T>&& value, F then) {
  return send_case<T, F>(to, std::move(value), std::move(then));
}
template <class T, class F>
[[nodiscard]] send_case<T, F> on_send(channel<T>& to, const std::type_identity_t<T>& value,
                                      F then) requires std::copy_constructible<T> {
  return send_case<T, F>(to, value, std::move(then));
}

namespace detail {
// Serves one case and returns its index, or the number of cases if none was served in time.
CONC_API std::size_t select_one(std::span<select_case* const> cases, steady_nanos deadline);

inline std::size_t run_select(std::span<select_case* const> cases, steady_nanos deadline) {
  const std::size_t chosen = select_one(cases, deadline);
  if (chosen < cases.size()) cases[chosen]->served();
  return chosen;
}
}  // namespace detail

template <class C>
concept a_select_case = std::derived_from<std::remove_cvref_t<C>, select_case>;

// Waits until one of the cases can go on, does it, calls its function, and returns its place among
// the cases; of several that can go on one is picked at random, so that none starves. A case can go
// on when its operation would not have to wait; that includes that its channel is closed. Exactly
// one case is served: no other one's value moves and no other one's channel loses anything.
//
//   conc::select(conc::on_recv(jobs, [&](std::optional<job> j) { … }),
//                conc::on_send(results, std::move(r), [&](bool sent) { … }).when(have_result));
//
// Blocking: select() suspends the caller; try_select() never waits, select_for() and select_until()
//   up to a time limit; they return the number of cases if none was served. The function is called
//   when the select is over: it may do anything.
// Fairness: in each channel's queue a select has a place like any other waiter.
// Errors: what a value's move and the function throw; std::bad_alloc for more than eight cases. To
//   wait without a time limit for no enabled case at all ends the process with a message.
// Source: the alternative command of Hoare, "Communicating sequential processes", 1978, and of
// Dijkstra's guarded commands; all channels are locked in the order of their addresses, as in Go.
template <a_select_case... Cases>
std::size_t select(Cases&&... cases) {
  const std::array<select_case*, sizeof...(Cases)> all{std::addressof(cases)...};
  return detail::run_select(all, detail::never);
}
template <a_select_case... Cases>
std::size_t try_select(Cases&&... cases) {
  const std::array<select_case*, sizeof...(Cases)> all{std::addressof(cases)...};
  return detail::run_select(all, detail::at_once);
}

// The same for cases whose number is known at run time only.
inline std::size_t select(std::span<select_case* const> cases) {
  return detail::run_select(cases, detail::never);
}
inline std::size_t try_select(std::span<select_case* const> cases) {
  return detail::run_select(cases, detail::at_once);
}
template <class Rep, class Period>
std::size_t select_for(const std::chrono::duration<Rep, Period>& time,
                       std::span<select_case* const> cases) {
  return detail::run_select(cases, detail::deadline_after(time));
}
template <class Clock, class Duration>
std::size_t select_until(const std::chrono::time_point<Clock, Duration>& deadline,
                         std::span<select_case* const> cases) {
  return detail::repeat_while_late(
      deadline, cases.size(), [&](detail::steady_nanos t) { return detail::run_select(cases, t); });
}
template <class Rep, class Period, a_select_case... Cases>
std::size_t select_for(const std::chrono::duration<Rep, Period>& time, Cases&&... cases) {
  const std::array<select_case*, sizeof...(Cases)> all{std::addressof(cases)...};
  return select_for(time, std::span<select_case* const>(all));
}
template <class Clock, class Duration, a_select_case... Cases>
std::size_t select_until(const std::chrono::time_point<Clock, Duration>& deadline,
                         Cases&&... cases) {
  const std::array<select_case*, sizeof...(Cases)> all{std::addressof(cases)...};
  return select_until(deadline, std::span<select_case* const>(all));
}

}  // namespace conc

#endif  // CONC_SELECT_H
