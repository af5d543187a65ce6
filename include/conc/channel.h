// conc::channel: values pass from thread to thread, in order.
#ifndef CONC_CHANNEL_H
#define CONC_CHANNEL_H

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "conc/detail/channel_core.h"
#include "conc/detail/timed_lock.h"

namespace conc {

template <class T>
class channel;

namespace detail {

template <class T>
channel_core& core_of(channel<T>& c) noexcept;

template <class T, class U>
void put_value(void* to, value_place where, U&& value) {
  switch (where) {
    case value_place::slot:
      ::new (to) T(std::forward<U>(value));
      break;
    case value_place::optional:
      static_cast<std::optional<T>*>(to)->emplace(std::forward<U>(value));
      break;
    case value_place::object:
      if constexpr (std::is_assignable_v<T&, U>) {
        *static_cast<T*>(to) = std::forward<U>(value);
      } else if constexpr (std::is_assignable_v<T&, T>) {
        *static_cast<T*>(to) = T(std::forward<U>(value));
      }
      break;
  }
}
template <class T>
void put_moved(void* to, value_place where, void* from) {
  put_value<T>(to, where, std::move(*static_cast<T*>(from)));
}
template <class T>
void put_copied(void* to, value_place where, void* from) {
  put_value<T>(to, where, *static_cast<const T*>(from));
}

template <class T>
inline constexpr channel_type channel_type_of{
    sizeof(T), alignof(T),
    [](void* to, value_place where, void* slot) {
      put_moved<T>(to, where, slot);
      std::destroy_at(static_cast<T*>(slot));
    },
    [](void* slot) noexcept { std::destroy_at(static_cast<T*>(slot)); }};

}  // namespace detail

// A queue of values that is also a meeting point. With a capacity, send() leaves the value in the
// channel and waits only while it is full; with the capacity 0 the two threads meet: send() returns
// when somebody has received. For user-level threads and kernel threads at once.
//
// Blocking: send() suspends the caller while there is neither room nor a receiver that
//   waits, recv() while there is no value; the try_ forms never wait, the _for and _until forms up
//   to a time limit. close(), size() and capacity() never wait.
// Order: what a sender did before send() happens before the return of the recv() that gets the
//   value; and, with capacity 0, that recv()'s call before the return of the send().
// Fairness: values arrive in the order in which they were sent; those who wait to send, and those
//   who wait to receive, are served in the order of their arrival: nobody is passed (K = 0).
// Close: after close() nothing more can be sent; what is in the channel can still be received.
//   Those who wait to send get their values back: send() returns false and the value is untouched.
//   A value is received or stays with its sender, whatever races with what.
// Time: a timed wait never ends early. A value that is on its way at the deadline is delivered.
// Values: any type that can be moved. The move constructor and destructor run while the channel is
//   locked, if the value goes through the buffer: they must be short, must not wait and must not
//   use the channel. If a value's move (or copy, for send(const T&)) throws on its way from the
//   sender, send() throws, the value stays with the sender, as its move left it, and the receiver
//   goes on waiting; if the move out of the buffer throws, recv() throws and the value stays the
//   first.
// Destruction: legal when no thread waits at it, and as soon as the last one has been served: the
//   other side does not touch the channel any more. What is left in it is destroyed. Destruction
//   while threads wait ends the process with a message.
// Errors: std::length_error and std::bad_alloc from the constructor; what a value's move throws.
// Source: Hoare, "Communicating sequential processes", 1978, for the meeting; the buffered form and
//   close() as in Go's channels. Waiting is described in src/locks/channel.cc.
template <class T>
class channel {
  static_assert(std::is_object_v<T> && std::move_constructible<T> &&
                std::is_nothrow_destructible_v<T>);

 public:
  using value_type = T;

  explicit channel(std::size_t capacity) : core_(capacity, detail::channel_type_of<T>) {}
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  // False once the channel is closed; then the value is untouched.
  [[nodiscard]] bool send(T&& value) { return moved(value, detail::never) == channel_status::ok; }
  [[nodiscard]] bool send(const T& value) requires std::copy_constructible<T> {
    return copied(value, detail::never) == channel_status::ok;
  }

  // Unless the status is ok the value is untouched.
  [[nodiscard]] channel_status try_send(T&& value) { return moved(value, detail::at_once); }
  [[nodiscard]] channel_status try_send(const T& value) requires std::copy_constructible<T> {
    return copied(value, detail::at_once);
  }
  template <class Rep, class Period>
  [[nodiscard]] channel_status send_for(T&& value, const std::chrono::duration<Rep, Period>& time) {
    return moved(value, detail::deadline_after(time));
  }
  template <class Rep, class Period>
  [[nodiscard]] channel_status send_for(
      const T& value,
      const std::chrono::duration<Rep, Period>& time) requires std::copy_constructible<T> {
    return copied(value, detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] channel_status send_until(
      T&& value, const std::chrono::time_point<Clock, Duration>& deadline) {
    return until(deadline, [&](detail::steady_nanos t) { return moved(value, t); });
  }
  template <class Clock, class Duration>
  [[nodiscard]] channel_status send_until(const T& value,
                                          const std::chrono::time_point<Clock, Duration>&
                                              deadline) requires std::copy_constructible<T> {
    return until(deadline, [&](detail::steady_nanos t) { return copied(value, t); });
  }

  // Empty once the channel is closed and nothing is left in it.
  [[nodiscard]] std::optional<T> recv() {
    core_.lock().lock();
    if (void* const slot = core_.oldest(sizeof(T)); slot != nullptr) [[likely]] {
      const std::lock_guard held(core_.lock(), std::adopt_lock);
      std::optional<T> value(std::in_place, std::move(*static_cast<T*>(slot)));
      std::destroy_at(static_cast<T*>(slot));
      core_.emptied();
      return value;
    }
    std::optional<T> value;
    core_.recv(&value, detail::value_place::optional, detail::never);
    return value;
  }

  // Assigns to `value`, unless the status says otherwise.
  [[nodiscard]] channel_status try_recv(T& value) requires std::assignable_from<T&, T> {
    return assigned(value, detail::at_once);
  }
  template <class Rep, class Period>
  [[nodiscard]] channel_status recv_for(
      T& value,
      const std::chrono::duration<Rep, Period>& time) requires std::assignable_from<T&, T> {
    return assigned(value, detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] channel_status recv_until(T& value,
                                          const std::chrono::time_point<Clock, Duration>&
                                              deadline) requires std::assignable_from<T&, T> {
    return until(deadline, [&](detail::steady_nanos t) { return assigned(value, t); });
  }

  // Closing once more changes nothing.
  void close() noexcept { core_.close(); }

  std::size_t capacity() const noexcept { return core_.capacity(); }
  // The number of values in the buffer: a snapshot.
  std::size_t size() const noexcept { return core_.size(); }

 private:
  friend detail::channel_core& detail::core_of<T>(channel& c) noexcept;

  channel_status moved(T& value, detail::steady_nanos deadline) {
    return put(std::move(value), detail::put_moved<T>, deadline);
  }
  channel_status copied(const T& value, detail::steady_nanos deadline) {
    return put(value, detail::put_copied<T>, deadline);
  }
  template <class U>
  channel_status put(U&& value, detail::put_fn by, detail::steady_nanos deadline) {
    core_.lock().lock();
    if (void* const slot = core_.room(sizeof(T)); slot != nullptr) [[likely]] {
      const std::lock_guard held(core_.lock(), std::adopt_lock);
      ::new (slot) T(std::forward<U>(value));
      core_.filled();
      return channel_status::ok;
    }
    return core_.send(const_cast<T*>(std::addressof(value)), by, deadline);
  }
  channel_status assigned(T& value, detail::steady_nanos deadline) {
    core_.lock().lock();
    if (void* const slot = core_.oldest(sizeof(T)); slot != nullptr) [[likely]] {
      const std::lock_guard held(core_.lock(), std::adopt_lock);
      value = std::move(*static_cast<T*>(slot));
      std::destroy_at(static_cast<T*>(slot));
      core_.emptied();
      return channel_status::ok;
    }
    return core_.recv(&value, detail::value_place::object, deadline);
  }
  template <class Clock, class Duration, class Attempt>
  static channel_status until(const std::chrono::time_point<Clock, Duration>& deadline,
                              Attempt attempt) {
    return detail::repeat_while_late(deadline, channel_status::timed_out, attempt);
  }

  detail::channel_core core_;
};

template <class T>
detail::channel_core& detail::core_of(channel<T>& c) noexcept {
  return c.core_;
}

}  // namespace conc

#endif  // CONC_CHANNEL_H
