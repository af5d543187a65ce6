// conc::thread and conc::jthread: user-level threads, used as std::thread and std::jthread are.
#ifndef CONC_THREAD_H
#define CONC_THREAD_H

#include <chrono>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <ostream>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

#include "conc/config.h"
#include "conc/detail/deadline.h"
#include "conc/detail/stop_request.h"
#include "conc/detail/thread_maker.h"

namespace conc {

class runtime;

// A user-level thread: scheduled by this library on a few kernel threads, cheap enough for a
// million, and otherwise what std::thread is. Made inside a runtime's thread it runs on that
// runtime, elsewhere on the default one.
//
// Construction queues the thread and never suspends the caller. It throws std::system_error
//   if there is no memory, address space or room for another thread, or for what it brings along
//   (resource_unavailable_try_again, as std::thread), or if the options are impossible
//   (invalid_argument); nothing has happened then.
// join() suspends the caller, of whatever kind, until the thread has ended.
// Destroying or overwriting a joinable thread calls std::terminate, as does an exception that
//   leaves the thread's function.
// thread_local variables belong to the kernel thread, not to this one.
class CONC_API thread {
 public:
  class id {
   public:
    constexpr id() noexcept = default;
    friend constexpr auto operator<=>(id, id) noexcept = default;
    template <class C, class T>
    friend std::basic_ostream<C, T>& operator<<(std::basic_ostream<C, T>& out, id i) {
      if (i.number_ == 0) return out << "thread::id of a non-executing thread";
      // The cell's number, and from its second use on which use it is: short in the common case.
      out << (i.number_ & 0xffffffffu);
      if (const auto use = i.number_ >> 32; use > 1) out << '.' << use;
      return out;
    }

   private:
    friend class thread;
    friend struct std::hash<id>;
    friend id this_thread_id() noexcept;
    constexpr explicit id(std::uint64_t n) noexcept : number_(n) {}
    std::uint64_t number_ = 0;
  };

  thread() noexcept = default;
  template <class F, class... Arguments>
  requires detail::not_same<F, thread> && detail::not_same<F, thread_options> &&
      detail::not_same<F, detail::scheduler>
  explicit thread(F&& f, Arguments&&... arguments)
      : made_(detail::make_thread(
            detail::bind_call(std::forward<F>(f), std::forward<Arguments>(arguments)...))) {}
  template <class F, class... Arguments>
  explicit thread(thread_options options, F&& f, Arguments&&... arguments)
      : made_(detail::make_thread(
            nullptr, &options,
            detail::bind_call(std::forward<F>(f), std::forward<Arguments>(arguments)...))) {}
  thread(thread&& other) noexcept : made_(std::exchange(other.made_, nullptr)) {}
  thread& operator=(thread&& other) noexcept {
    if (joinable()) std::terminate();
    made_ = std::exchange(other.made_, nullptr);
    return *this;
  }
  ~thread() {
    if (joinable()) std::terminate();
  }

  void swap(thread& other) noexcept { std::swap(made_, other.made_); }
  friend void swap(thread& a, thread& b) noexcept { a.swap(b); }

  bool joinable() const noexcept { return made_ != nullptr; }
  // Throws std::system_error: invalid_argument if not joinable, resource_deadlock_would_occur if
  // the thread is the caller.
  void join();
  // Throws std::system_error (invalid_argument) if not joinable.
  void detach();
  id get_id() const noexcept;

  // The CPUs that this process may use, by affinity and cgroup quota.
  static unsigned hardware_concurrency() noexcept;

 private:
  friend class runtime;
  template <detail::not_same<thread_options> F, class... Arguments>
  thread(detail::scheduler& on, F&& f, Arguments&&... arguments)
      : made_(detail::make_thread(
            &on, nullptr,
            detail::bind_call(std::forward<F>(f), std::forward<Arguments>(arguments)...))) {}
  template <class F, class... Arguments>
  thread(detail::scheduler& on, thread_options options, F&& f, Arguments&&... arguments)
      : made_(detail::make_thread(
            &on, &options,
            detail::bind_call(std::forward<F>(f), std::forward<Arguments>(arguments)...))) {}

  friend id this_thread_id() noexcept;
  detail::tcb* made_ = nullptr;
};

inline thread::id this_thread_id() noexcept { return thread::id(detail::current_thread_number()); }

namespace this_thread {

// The calling thread's id, whether user-level or kernel thread.
inline thread::id get_id() noexcept { return this_thread_id(); }

// Lets other ready threads run first; on a kernel thread, sched_yield(2).
CONC_API void yield() noexcept;

// The number of the processor that runs the caller, from 0. Throws std::system_error
// (operation_not_permitted) on a kernel thread and inside a blocking() section.
CONC_API unsigned processor();

// Moves the calling thread to another processor of its runtime, behind what is ready there: when
// this returns, it runs there. With per_cpu queues it also stays there, and wakes there; with work
// stealing it may be taken elsewhere at any time, even on the way. Throws std::system_error:
// invalid_argument if there is no such processor, operation_not_permitted as processor() does,
// not_supported with one global queue, where threads have no processor.
CONC_API void migrate_to(unsigned processor);

namespace detail {
CONC_API void sleep_until_steady(conc::detail::steady_nanos deadline) noexcept;
}

// Suspends the calling thread for at least this long; its processor runs others.
template <class Rep, class Period>
void sleep_for(const std::chrono::duration<Rep, Period>& time) {
  if (time > time.zero()) detail::sleep_until_steady(conc::detail::deadline_after(time));
}
template <class Clock, class Duration>
void sleep_until(const std::chrono::time_point<Clock, Duration>& time) {
  // Clocks other than the steady one may be set while we sleep: ask again before returning.
  while (!conc::detail::has_passed(time))
    detail::sleep_until_steady(conc::detail::deadline_at(time));
}

}  // namespace this_thread

// As std::jthread: asks its thread to stop and joins it when destroyed. If the callable takes a
// std::stop_token first, it gets one.
//
// Stop callbacks run in the thread that asks. If that is a user-level thread they must not suspend
// it: they must not wait, sleep or yield (conc/detail/stop_request.h says why).
class jthread {
 public:
  using id = thread::id;

  jthread() noexcept : stop_(std::nostopstate) {}
  template <class F, class... Arguments>
  requires detail::not_same<F, jthread> && detail::not_same<F, thread_options>
  explicit jthread(F&& f, Arguments&&... arguments)
      : thread_(
            start(thread_options{}, std::forward<F>(f), std::forward<Arguments>(arguments)...)) {}
  template <class F, class... Arguments>
  explicit jthread(thread_options options, F&& f, Arguments&&... arguments)
      : thread_(
            start(std::move(options), std::forward<F>(f), std::forward<Arguments>(arguments)...)) {}
  jthread(jthread&&) noexcept = default;
  jthread& operator=(jthread&& other) noexcept {
    jthread(std::move(other)).swap(*this);
    return *this;
  }
  ~jthread() {
    if (joinable()) {
      request_stop();
      join();
    }
  }

  void swap(jthread& other) noexcept {
    std::swap(stop_, other.stop_);
    thread_.swap(other.thread_);
  }
  friend void swap(jthread& a, jthread& b) noexcept { a.swap(b); }

  bool joinable() const noexcept { return thread_.joinable(); }
  void join() { thread_.join(); }
  void detach() { thread_.detach(); }
  id get_id() const noexcept { return thread_.get_id(); }
  std::stop_source get_stop_source() noexcept { return stop_; }
  std::stop_token get_stop_token() const noexcept { return stop_.get_token(); }
  bool request_stop() noexcept { return detail::request_stop(stop_); }
  static unsigned hardware_concurrency() noexcept { return thread::hardware_concurrency(); }

 private:
  template <class F, class... Arguments>
  thread start(thread_options options, F&& f, Arguments&&... arguments) {
    if constexpr (std::is_invocable_v<std::decay_t<F>, std::stop_token,
                                      std::decay_t<Arguments>...>) {
      return thread(std::move(options), std::forward<F>(f), stop_.get_token(),
                    std::forward<Arguments>(arguments)...);
    } else {
      return thread(std::move(options), std::forward<F>(f), std::forward<Arguments>(arguments)...);
    }
  }

  std::stop_source stop_;
  thread thread_;
};

}  // namespace conc

template <>
struct std::hash<conc::thread::id> {
  std::size_t operator()(conc::thread::id i) const noexcept {
    return std::hash<std::uint64_t>{}(i.number_);
  }
};

#endif  // CONC_THREAD_H
