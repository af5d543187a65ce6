// The shared state of a future: one object that promise, task or thread fills and futures read.
//
// One allocation holds all of it: word, owners, value or exception, and for a task, a deferred
// function or an asynchronous one also the callable. Who holds the state owns it (state_ref), and
// the last owner frees it. A waiter parks at the address of the word; whoever makes the state ready
// uses nothing but that address afterwards, so the woken one may free everything at once. Should
// another state be made there in the same moment, its waiters may be woken for nothing, which is
// why every wait is a loop.
#ifndef CONC_DETAIL_FUTURE_STATE_H
#define CONC_DETAIL_FUTURE_STATE_H

#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/deadline.h"
#include "conc/detail/thread_exit.h"

namespace conc::detail {

[[noreturn]] CONC_API void throw_future_error(std::future_errc code);

// The part that does not depend on the type. Its word:
//
//   bit        set                                        cleared
//   ready      when value or exception is in place        never
//   waiting    by whoever is about to park, under the     never
//              lock of the bucket, if not ready
//   satisfied  by the one who may store; that is decided  if the value's constructor throws
//              here, so of several one wins
//   retrieved  by get_future()                            never
//   deferred   at birth: holds a function to be run by    by the first that waits without a limit,
//              whoever waits                              who then runs it
//   threaded   at birth: a thread makes it ready          by the first that waits without a limit
//   or
//                                                         finds it ready, who then joins the thread
class CONC_API future_state_base {
 public:
  future_state_base(const future_state_base&) = delete;
  future_state_base& operator=(const future_state_base&) = delete;

  // --- owners -----------------------------------------------------------------------------------
  void own() noexcept { owners_.fetch_add(1, memory_order_relaxed); }
  void disown() noexcept {
    // [future.owners] acq_rel: the last owner frees what all the others have done with.
    if (owners_.fetch_sub(1, memory_order_acq_rel) == 1) destroy();
  }
  bool has_one_owner() const noexcept { return owners_.load(memory_order_relaxed) == 1; }

  // --- reading ----------------------------------------------------------------------------------
  void mark_retrieved();
  void wait() noexcept {
    // [future] acquire: pairs with the release in make_ready().
    if ((word_.load(memory_order_acquire) & (ready | threaded)) != ready) wait_slow();
  }
  std::future_status wait_until(steady_nanos deadline) noexcept;
  // Only after wait().
  void rethrow_if_failed() const {
    if (failure_ != nullptr) [[unlikely]]
      std::rethrow_exception(failure_);
  }

  // --- storing ----------------------------------------------------------------------------------
  // Claims the right to store. Throws promise_already_satisfied if somebody has it or has had it.
  void claim();
  void unclaim() noexcept;
  void make_ready() noexcept;
  void store_exception(std::exception_ptr failure);
  // Makes the state ready; owns a share until then. For at_thread_exit(), after claim(), in the
  // thread that has called this. Throws std::bad_alloc.
  std::unique_ptr<exit_call> ready_at_exit();
  void store_exception_at_exit(std::exception_ptr failure);
  // The one who was to store goes away: if he has not, the futures find broken_promise.
  void abandon() noexcept;

 protected:
  static constexpr std::uint32_t ready = 1, waiting = 2, satisfied = 4, retrieved = 8,
                                 deferred = 16, threaded = 32;

  explicit future_state_base(std::uint32_t bits = 0) noexcept : word_(bits) {}
  virtual ~future_state_base();

  // Leaves the exception in `failure_`; make_ready() follows. After claim().
  void fail(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }

 private:
  virtual void destroy() noexcept { delete this; }
  virtual void run_deferred() noexcept {}
  virtual void join_thread() noexcept {}

  void wait_slow() noexcept;
  bool park_until(steady_nanos deadline) noexcept;
  bool take(std::uint32_t bit) noexcept;

  atomic<std::uint32_t> word_;
  atomic<std::uint32_t> owners_{1};  // [future.owners]
  std::exception_ptr failure_;
};

// With a place for the value: an object, a reference, or nothing.
template <class T>
class future_state : public future_state_base {
  static_assert(std::is_void_v<T> || std::is_lvalue_reference_v<T> ||
                    (std::is_object_v<T> && !std::is_array_v<T> && std::is_destructible_v<T>),
                "a future holds an object, an lvalue reference, or nothing");

 public:
  using future_state_base::future_state_base;

  // Makes the value from the argument, if there is one to be made. Throws promise_already_satisfied
  // or what the value's constructor throws; then nothing has been stored. make_ready() follows.
  template <class... Argument>
  void construct(Argument&&... argument) {
    claim();
    if constexpr (std::is_lvalue_reference_v<T>) {
      value_ = std::addressof(argument...);
    } else if constexpr (!std::is_void_v<T>) {
      try {
        value_.emplace(std::forward<Argument>(argument)...);
      } catch (...) {
        unclaim();
        throw;
      }
    }
  }

  // What f() returns becomes the value, what it throws the exception. By whoever alone may store.
  template <class F>
  void fill(F&& f) noexcept {
    try {
      if constexpr (std::is_void_v<T>) {
        f();
      } else if constexpr (std::is_lvalue_reference_v<T>) {
        T got = f();
        value_ = std::addressof(got);
      } else {
        value_.emplace(f());
      }
    } catch (...) {
      fail(std::current_exception());
    }
  }

  // Only after wait() and rethrow_if_failed(), and not of nothing.
  auto& value() noexcept { return *value_; }

 private:
  struct nothing {};
  using place = std::conditional_t<
      std::is_void_v<T>, nothing,
      std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::optional<T>>>;
  [[no_unique_address]] place value_{};
};

// A share in a state, or nothing.
template <class State>
class state_ref {
 public:
  state_ref() noexcept = default;
  // Takes over a share that the caller has.
  explicit state_ref(State* owned) noexcept : state_(owned) {}
  state_ref(const state_ref& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->own();
  }
  template <class Derived>
  state_ref(state_ref<Derived>&& other) noexcept : state_(other.give_up()) {}
  state_ref(state_ref&& other) noexcept : state_(other.give_up()) {}
  state_ref& operator=(state_ref other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~state_ref() {
    if (state_ != nullptr) state_->disown();
  }

  State* give_up() noexcept { return std::exchange(state_, nullptr); }
  explicit operator bool() const noexcept { return state_ != nullptr; }
  State* operator->() const noexcept { return state_; }
  State& operator*() const noexcept { return *state_; }
  // Throws no_state if there is none.
  State& checked() const {
    if (state_ == nullptr) [[unlikely]]
      throw_future_error(std::future_errc::no_state);
    return *state_;
  }

 private:
  State* state_ = nullptr;
};

}  // namespace conc::detail

#endif  // CONC_DETAIL_FUTURE_STATE_H
