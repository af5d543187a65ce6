// conc::region: shared data that are only to be had in turn, and when they are as one wants them.
#ifndef CONC_REGION_H
#define CONC_REGION_H

#include <chrono>
#include <concepts>
#include <cstdint>
#include <utility>

#include "conc/config.h"
#include "conc/detail/deadline.h"
#include "conc/detail/thread_safety.h"
#include "conc/detail/timed_lock.h"
#include "conc/mutex.h"

namespace conc {

namespace detail {

// What does not depend on the type of the data. Clang need not follow it: without entering there is
// no way to the data.
class CONC_API region_core {
 public:
  // Whether the condition of a waiter, which is on his stack, holds now.
  using question = bool (*)(const void* condition);

  constexpr region_core() noexcept = default;
  void enter() noexcept CONC_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
  void leave() noexcept CONC_NO_THREAD_SAFETY_ANALYSIS {
    if (first_ != nullptr) wake_next(nullptr);
    mutex_.unlock();
  }
  bool await(question holds, const void* condition, steady_nanos deadline);

 private:
  struct waiter;
  class queueing;
  void wake_next(const waiter* self) noexcept;

  mutex mutex_;
  waiter* first_ = nullptr;  // in order of arrival; guarded by the mutex
  waiter* last_ = nullptr;
};

}  // namespace detail

// A conditional critical region. The data cannot be reached but through enter(), whose result is
// the right to them until the end of the scope; in there await() waits until they fulfil a
// condition. Nobody has to signal: whoever leaves, or begins to wait, asks the conditions of those
// who wait. For user-level threads and kernel threads at once. 24 bytes and the data; no
// allocation.
//
//   conc::region<std::deque<int>> jobs;
//   {
//     auto inside = jobs.enter();
//     inside.await([](const auto& q) { return !q.empty(); });
//     inside->pop_front();
//   }
//
// Blocking: enter() and await() suspend the caller; leaving never blocks.
// Order: leaving, or beginning to wait, happens before every later entry.
// Fairness: of those whose condition holds the one who has waited longest is woken, and keeps its
//   place if the data have changed again when it comes in. Entry is that of conc::mutex: K = 1000.
// Cost: each leave asks conditions from the front until one holds, so short ones pay.
// Time: the waits with a time limit never give up early, and not while the condition holds.
// Conditions are asked by other threads on the waiter's behalf, inside the region: they must not
//   wait, or depend on who asks. One that throws does so in await(), which then leaves by the
//   exception, with the caller still inside.
// Destruction: legal as soon as nobody is inside or waits.
// Errors: entering twice, and destruction while somebody is inside, end the process with a message.
// Sources: Hoare, "Towards a theory of parallel programming", and Brinch Hansen, "Structured
// multiprogramming", both 1972. That the others ask for those who wait is after Abseil.
template <class T>
class region {
 public:
  class access;
  // The bound K on bypasses: see above.
  static constexpr std::uint32_t max_bypass = mutex::max_bypass;

  template <class... A>
  requires std::constructible_from<T, A...>
  explicit region(A&&... a) : data_(std::forward<A>(a)...) {}
  region(const region&) = delete;
  region& operator=(const region&) = delete;

  [[nodiscard]] access enter() { return access(*this); }

 private:
  detail::region_core core_;
  T data_;
};

// Being inside. The data are to be used by the thread that entered, until the end of the scope.
template <class T>
class region<T>::access {
 public:
  access(const access&) = delete;
  access& operator=(const access&) = delete;
  ~access() { region_.core_.leave(); }

  T& operator*() const noexcept { return region_.data_; }
  T* operator->() const noexcept { return &region_.data_; }

  // Returns, inside, when holds(data) is true, as it still is. Throws what `holds` throws.
  template <std::predicate<const T&> Condition>
  void await(const Condition& holds) {
    await_until_steady(holds, detail::never);
  }
  // The same with a time limit: what holds(data) has said last.
  template <class Rep, class Period, std::predicate<const T&> Condition>
  [[nodiscard]] bool await_for(const std::chrono::duration<Rep, Period>& time,
                               const Condition& holds) {
    return await_until_steady(holds, detail::deadline_after(time));
  }
  template <class Clock, class Duration, std::predicate<const T&> Condition>
  [[nodiscard]] bool await_until(const std::chrono::time_point<Clock, Duration>& t,
                                 const Condition& holds) {
    return detail::retry_until(
        t, [&](detail::steady_nanos deadline) { return await_until_steady(holds, deadline); });
  }

 private:
  friend class region;
  explicit access(region& r) noexcept : region_(r) { r.core_.enter(); }

  template <class Condition>
  bool await_until_steady(const Condition& holds, detail::steady_nanos deadline) {
    struct condition {
      const Condition& holds;
      const T& data;
    };
    const condition mine{holds, region_.data_};
    return region_.core_.await(
        [](const void* c) {
          const auto& asked = *static_cast<const condition*>(c);
          return static_cast<bool>(asked.holds(asked.data));
        },
        &mine, deadline);
  }

  region& region_;
};

}  // namespace conc

#endif  // CONC_REGION_H
