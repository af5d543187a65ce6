// What a thread has until its end: its values of all fiber_locals, and the calls that it has left
// for the end itself. One table, made at the first use and freed at the thread's end.
#ifndef CONC_LOCKS_FIBER_VALUES_H
#define CONC_LOCKS_FIBER_VALUES_H

#include <cstdint>
#include <memory>
#include <vector>

#include "conc/detail/thread_exit.h"
#include "locks/task.h"

namespace conc::detail {

// First in, first out. A list of what has been allocated before, so that adding cannot fail.
class exit_calls {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  void add(std::unique_ptr<exit_call> call) noexcept;
  std::unique_ptr<exit_call> take_first() noexcept;

 private:
  std::unique_ptr<exit_call> first_;
  exit_call* last_ = nullptr;  // of a list that is not empty
};

struct fiber_values {
  struct value {
    std::uint64_t serial = 0;
    void* object = nullptr;
    void (*destroy)(void*) noexcept = nullptr;
  };
  std::vector<value> places;
  exit_calls left;
};

// The calling thread's, made if need be. Throws std::bad_alloc.
fiber_values& fiber_values_of(task& self);

// Destroys what the calling thread has, then makes the calls that it has left. Runs code of the
// program's, which may suspend the thread.
void destroy_fiber_values(task& self) noexcept;

inline void end_fiber_values(task& self) noexcept {
  if (self.fiber_locals != nullptr) [[unlikely]]
    destroy_fiber_values(self);
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_FIBER_VALUES_H
