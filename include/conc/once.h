// conc::call_once and once_flag: whoever comes first does it, the others wait until it is done.
#ifndef CONC_ONCE_H
#define CONC_ONCE_H

#include <cstdint>
#include <functional>
#include <utility>

#include "conc/config.h"
#include "conc/detail/atomic.h"

namespace conc {

// As std::once_flag; for use with call_once() alone. Eight bytes; constant-initialised, and with
// nothing to destroy, so that a flag of static storage works before main() and after it.
class CONC_API once_flag {
 public:
  constexpr once_flag() noexcept = default;
  once_flag(const once_flag&) = delete;
  once_flag& operator=(const once_flag&) = delete;

 private:
  template <class F, class... Arguments>
  friend void call_once(once_flag&, F&&, Arguments&&...);

  bool is_done() const noexcept {
    // [once] acquire: pairs with the release in finish().
    return word_.load(detail::memory_order_acquire) == done;
  }
  // True if the caller is to do it, and then call one of the two below.
  bool begin() noexcept;
  void finish() noexcept;
  void give_up() noexcept;

  // The state word; src/locks/once.cc describes it.
  static constexpr std::uint64_t done = 1;
  detail::atomic<std::uint64_t> word_{0};
};

// As std::call_once: calls f(arguments...) unless an earlier call with this flag has returned from
// its function. A call whose function throws passes the exception on and does not count: the oldest
// waiter, or else the next caller, tries again.
//
// Blocking: suspends the caller while another thread is inside the function; once it is done a call
//   costs one load. Waiters try in the order of their arrival, K = 0.
// Order: the function's return happens before every later return of call_once() with this flag; a
//   function that throws happens before the next attempt.
// Destruction: a flag may go as soon as the last call that uses it may return.
// Errors: calling it from inside the function with the same flag, which could never return, ends
// the
//   process with a message.
template <class F, class... Arguments>
void call_once(once_flag& flag, F&& f, Arguments&&... arguments) {
  if (flag.is_done()) [[likely]]
    return;
  if (!flag.begin()) return;
  struct attempt {
    once_flag* of;
    ~attempt() {
      if (of != nullptr) of->give_up();
    }
  } a{&flag};
  static_cast<void>(std::invoke(std::forward<F>(f), std::forward<Arguments>(arguments)...));
  std::exchange(a.of, nullptr)->finish();
}

}  // namespace conc

#endif  // CONC_ONCE_H
