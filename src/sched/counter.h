// A counter that one carrier writes and anybody reads.
//
// Without a locked instruction, without a torn value: on x86-64 one instruction, which compilers do
// not make of an atomic load and an atomic store.
#ifndef CONC_SCHED_COUNTER_H
#define CONC_SCHED_COUNTER_H

#include <cstdint>

#include "conc/detail/atomic.h"
#include "locks/sanitized.h"

namespace conc::detail {

template <class Integer>
class owned_counter {
 public:
  constexpr explicit owned_counter(Integer initial = 0) noexcept : value_(initial) {}

  void increment() noexcept {
#if defined(__x86_64__) && !defined(CONC_TSAN)
    if constexpr (sizeof(Integer) == 8) {
      asm("incq %0" : "+m"(value_));
    } else {
      asm("incl %0" : "+m"(value_));
    }
#else
    add(1);
#endif
  }
  void decrement() noexcept {
#if defined(__x86_64__) && !defined(CONC_TSAN)
    if constexpr (sizeof(Integer) == 8) {
      asm("decq %0" : "+m"(value_));
    } else {
      asm("decl %0" : "+m"(value_));
    }
#else
    add(static_cast<Integer>(-1));
#endif
  }
  bool decrement_to_zero() noexcept {
#if defined(__x86_64__) && !defined(CONC_TSAN)
    bool zero;
    if constexpr (sizeof(Integer) == 8) {
      asm("decq %0" : "+m"(value_), "=@ccz"(zero));
    } else {
      asm("decl %0" : "+m"(value_), "=@ccz"(zero));
    }
    return zero;
#else
    decrement();
    return read() == 0;
#endif
  }
  bool is_zero() const noexcept {
#if defined(__x86_64__) && !defined(CONC_TSAN)
    bool zero;
    if constexpr (sizeof(Integer) == 8) {
      asm volatile("cmpq $0, %1" : "=@ccz"(zero) : "m"(value_));
    } else {
      asm volatile("cmpl $0, %1" : "=@ccz"(zero) : "m"(value_));
    }
    return zero;
#else
    return read() == 0;
#endif
  }
  void set(Integer n) noexcept { value_.store(n, memory_order_relaxed); }
  void add(Integer n) noexcept { value_.store(read() + n, memory_order_relaxed); }
  Integer read() const noexcept { return value_.load(memory_order_relaxed); }

  // For counts that say "all before this has happened".
  void increment_release() noexcept {
#if defined(__x86_64__) && !defined(CONC_TSAN)
    // As below: stores are in order here, and only the compiler has to be told.
    if constexpr (sizeof(Integer) == 8) {
      asm volatile("incq %0" : "+m"(value_) : : "memory");
    } else {
      asm volatile("incl %0" : "+m"(value_) : : "memory");
    }
#else
    // [counter] release: pairs with the acquire in read_acquire().
    value_.store(read() + 1, memory_order_release);
#endif
  }
  Integer read_acquire() const noexcept {
    // [counter] acquire: pairs with the release in increment_release().
    return value_.load(memory_order_acquire);
  }

 private:
  static_assert(sizeof(Integer) == 8 || sizeof(Integer) == 4);
  atomic<Integer> value_;
};

using counter = owned_counter<std::uint64_t>;

}  // namespace conc::detail

#endif  // CONC_SCHED_COUNTER_H
