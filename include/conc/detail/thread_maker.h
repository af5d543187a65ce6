// How a thread is put together: its options, the closure that it will run, and the hand-over of
// both to the scheduler. The templates behind conc::thread's constructors.
#ifndef CONC_DETAIL_THREAD_MAKER_H
#define CONC_DETAIL_THREAD_MAKER_H

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "conc/config.h"

namespace conc {

class task_group;

struct thread_options {
  std::string name = {};
  // Bytes of address space reserved for the stack; 0: the runtime's default. Memory is used as it
  // is touched.
  std::size_t stack_size = 0;
  // For policies that look at them; this version's policy does not.
  int priority = 0;
  unsigned tickets = 1;
  std::chrono::nanoseconds expected_run{};
};

namespace detail {

struct scheduler;
struct tcb;

// A thread that is being made: memory for what it will run, and the step that makes it ready.
// Without launch() the destructor undoes everything.
class CONC_API thread_maker {
 public:
  static constexpr std::size_t room = 32;  // bytes in the control block itself, aligned to 16

  // On `on`, or for null the calling thread's runtime or else the default one. Throws
  // std::system_error.
  thread_maker(scheduler* on, const thread_options* options);
  ~thread_maker() {
    if (made_ != nullptr) abandon();
  }
  thread_maker(const thread_maker&) = delete;
  thread_maker& operator=(const thread_maker&) = delete;

  void* storage() noexcept { return storage_; }
  tcb* launch(void (*run)(void* storage) noexcept) noexcept;
  // As a child of the group: may switch to it, and return when it has ended or suspended itself.
  void launch_in(task_group& group, void (*run)(void* storage) noexcept) noexcept;

 private:
  void abandon() noexcept;

  tcb* made_ = nullptr;
  void* storage_ = nullptr;
};

[[noreturn]] CONC_API void refuse_closure();  // std::system_error

// Builds the closure in its place. Returns the function that runs and destroys it there.
template <class Call>
auto put_closure(thread_maker& maker, Call&& call) -> void (*)(void* storage) noexcept {
  using closure = std::decay_t<Call>;
  if constexpr (sizeof(closure) <= thread_maker::room && alignof(closure) <= 16) {
    ::new (maker.storage()) closure(std::forward<Call>(call));
    return [](void* storage) noexcept {
      closure& c = *static_cast<closure*>(storage);
      c();
      c.~closure();
    };
  } else {
    auto* on_heap = new (std::nothrow) closure(std::forward<Call>(call));
    if (on_heap == nullptr) [[unlikely]]
      refuse_closure();
    ::new (maker.storage()) closure*(on_heap);
    return [](void* storage) noexcept {
      closure* c = *static_cast<closure**>(storage);
      (*c)();
      delete c;
    };
  }
}

// make_thread() in one call, for a closure of which the bytes are all: `closure` points to
// thread_maker::room of them, aligned to 16, which are copied. Throws std::system_error.
CONC_API tcb* make_small_thread(void (*run)(void* storage) noexcept, void* closure);

template <class Closure>
inline constexpr bool is_small =
    sizeof(Closure) <= thread_maker::room && alignof(Closure) <= 16 &&
    std::is_trivially_copyable_v<Closure>&& std::is_trivially_destructible_v<Closure>;

// On the calling thread's runtime or else the default one, without options.
template <class Call>
tcb* make_thread(Call&& call) {
  using closure = std::decay_t<Call>;
  if constexpr (is_small<closure>) {
    alignas(16) std::byte bytes[thread_maker::room];
    ::new (static_cast<void*>(bytes)) closure(std::forward<Call>(call));
    return make_small_thread([](void* storage) noexcept { (*static_cast<closure*>(storage))(); },
                             bytes);
  } else {
    thread_maker maker(nullptr, nullptr);
    return maker.launch(put_closure(maker, std::forward<Call>(call)));
  }
}

template <class Call>
tcb* make_thread(scheduler* on, const thread_options* options, Call&& call) {
  thread_maker maker(on, options);
  return maker.launch(put_closure(maker, std::forward<Call>(call)));
}

template <class Call>
void make_in_group(task_group& group, Call&& call) {
  thread_maker maker(nullptr, nullptr);
  maker.launch_in(group, put_closure(maker, std::forward<Call>(call)));
}

// A callable and its arguments, decay-copied; called once.
template <class F, class... Arguments>
struct bound_call {
  std::tuple<F, Arguments...> parts;
  decltype(auto) call_once() {
    return std::apply([](auto&... p) -> decltype(auto) { return std::invoke(std::move(p)...); },
                      parts);
  }
  void operator()() { static_cast<void>(call_once()); }
};

// Without arguments it is as simple as its callable, which no tuple is.
template <class F>
struct bound_call<F> {
  F f;
  decltype(auto) call_once() { return std::invoke(std::move(f)); }
  void operator()() { static_cast<void>(call_once()); }
};

template <class F, class... Arguments>
auto bind_call(F&& f, Arguments&&... arguments) {
  static_assert(std::is_invocable_v<std::decay_t<F>, std::decay_t<Arguments>...>,
                "a thread's arguments must be invocable after conversion to rvalues");
  if constexpr (sizeof...(Arguments) == 0) {
    return bound_call<std::decay_t<F>>{std::forward<F>(f)};
  } else {
    return bound_call<std::decay_t<F>, std::decay_t<Arguments>...>{
        {std::forward<F>(f), std::forward<Arguments>(arguments)...}};
  }
}

template <class T, class U>
concept not_same = !std::same_as<std::remove_cvref_t<T>, U>;

CONC_API std::uint64_t current_thread_number() noexcept;

}  // namespace detail

}  // namespace conc

#endif  // CONC_DETAIL_THREAD_MAKER_H
