// What the replaced headers ask of the checker: the operations on atomics, and the places where a
// thread waits or may be left out of the game. Everything here may switch to another thread first.
#ifndef CONC_TESTS_CHECKER_OPERATIONS_H
#define CONC_TESTS_CHECKER_OPERATIONS_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>

namespace conc::checker {

// An atomic object begins or ends to exist. Objects that were there before the checker (constinit
// ones) begin with their first operation.
void begin_location(const void* where, std::size_t size) noexcept;
void end_location(const void* where) noexcept;

// Values travel in the low bytes of a word.
std::uint64_t load(const void* where, std::size_t size, std::memory_order order,
                   std::source_location at) noexcept;
void store(void* where, std::size_t size, std::uint64_t value, std::memory_order order,
           std::source_location at) noexcept;
// A read-modify-write in two halves, between which nothing else happens.
std::uint64_t begin_change(void* where, std::size_t size, std::memory_order order,
                           std::source_location at) noexcept;
void end_change(void* where, std::uint64_t value) noexcept;
bool compare_exchange(void* where, std::size_t size, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, bool weak,
                      std::source_location at) noexcept;
void full_fence(std::source_location at = std::source_location::current()) noexcept;
// membarrier(2): a full fence at this moment in every thread.
void fence_in_all_threads() noexcept;

// Between two looks of a spin loop: goes on when something has changed.
void relax() noexcept;

// Any number below n; every one is tried.
unsigned choose(unsigned n) noexcept;

// Whether the step of this name is to be taken: CONC_STEP.
bool stands(const char* step) noexcept;

// A stretch of spinning that may end at any moment; relax() does not wait in it.
class bounded_spin {
 public:
  bounded_spin() noexcept;
  ~bounded_spin();
  bounded_spin(const bounded_spin&) = delete;
  bounded_spin& operator=(const bounded_spin&) = delete;
  bool expired() noexcept;

 private:
  int looks_ = 0;
};

constexpr std::memory_order without_release(std::memory_order o) noexcept {
  if (o == std::memory_order_acq_rel) return std::memory_order_acquire;
  return o == std::memory_order_release ? std::memory_order_relaxed : o;
}

}  // namespace conc::checker

#endif  // CONC_TESTS_CHECKER_OPERATIONS_H
