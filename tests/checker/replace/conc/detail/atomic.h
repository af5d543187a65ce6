// The library's atomics in a checking build: the alias stands for a class that asks the checker
// what each operation does. It has the size and the members of std::atomic that the library uses.
#ifndef CONC_DETAIL_ATOMIC_H
#define CONC_DETAIL_ATOMIC_H

#include <atomic>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "checker/operations.h"

namespace conc::detail {

using std::atomic_flag;  // the user's, not instrumented

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

template <class T>
class atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  using order = std::memory_order;
  using site = std::source_location;

 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = std::atomic<T>::is_always_lock_free;

  constexpr atomic() noexcept : atomic(T{}) {}
  constexpr atomic(T value) noexcept : raw_(value) {
    if (!std::is_constant_evaluated()) checker::begin_location(&raw_, sizeof(T));
  }
  constexpr ~atomic() {
    if (!std::is_constant_evaluated()) checker::end_location(&raw_);
  }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(order o = memory_order_seq_cst, site at = site::current()) const noexcept {
    return unpack(checker::load(&raw_, sizeof(T), o, at));
  }
  void store(T value, order o = memory_order_seq_cst, site at = site::current()) noexcept {
    checker::store(&raw_, sizeof(T), pack(value), o, at);
  }
  T exchange(T value, order o = memory_order_seq_cst, site at = site::current()) noexcept {
    const std::uint64_t before = checker::begin_change(&raw_, sizeof(T), o, at);
    checker::end_change(&raw_, pack(value));
    return unpack(before);
  }
  bool compare_exchange_strong(T& expected, T desired, order success, order failure,
                               site at = site::current()) noexcept {
    return compare_exchange(expected, desired, success, failure, false, at);
  }
  bool compare_exchange_strong(T& expected, T desired, order o = memory_order_seq_cst,
                               site at = site::current()) noexcept {
    return compare_exchange(expected, desired, o, checker::without_release(o), false, at);
  }
  bool compare_exchange_weak(T& expected, T desired, order success, order failure,
                             site at = site::current()) noexcept {
    return compare_exchange(expected, desired, success, failure, true, at);
  }
  bool compare_exchange_weak(T& expected, T desired, order o = memory_order_seq_cst,
                             site at = site::current()) noexcept {
    return compare_exchange(expected, desired, o, checker::without_release(o), true, at);
  }
  T fetch_add(T n, order o = memory_order_seq_cst,
              site at = site::current()) noexcept requires std::is_integral_v<T> {
    return change(o, at, [n](T v) { return static_cast<T>(v + n); });
  }
  T fetch_sub(T n, order o = memory_order_seq_cst,
              site at = site::current()) noexcept requires std::is_integral_v<T> {
    return change(o, at, [n](T v) { return static_cast<T>(v - n); });
  }
  T fetch_or(T n, order o = memory_order_seq_cst,
             site at = site::current()) noexcept requires std::is_integral_v<T> {
    return change(o, at, [n](T v) { return static_cast<T>(v | n); });
  }
  T fetch_and(T n, order o = memory_order_seq_cst,
              site at = site::current()) noexcept requires std::is_integral_v<T> {
    return change(o, at, [n](T v) { return static_cast<T>(v & n); });
  }

 private:
  static std::uint64_t pack(T value) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, &value, sizeof(T));
    return word;
  }
  static T unpack(std::uint64_t word) noexcept {
    T value;
    std::memcpy(static_cast<void*>(&value), &word, sizeof(T));
    return value;
  }
  template <class F>
  T change(order o, site at, F next) noexcept {
    const T before = unpack(checker::begin_change(&raw_, sizeof(T), o, at));
    checker::end_change(&raw_, pack(next(before)));
    return before;
  }
  bool compare_exchange(T& expected, T desired, order success, order failure, bool weak,
                        site at) noexcept {
    std::uint64_t seen = pack(expected);
    const bool done = checker::compare_exchange(&raw_, sizeof(T), seen, pack(desired), success,
                                                failure, weak, at);
    if (!done) expected = unpack(seen);
    return done;
  }

  T raw_;  // the newest value; what a load returns may be an older one
};

}  // namespace conc::detail

#endif  // CONC_DETAIL_ATOMIC_H
