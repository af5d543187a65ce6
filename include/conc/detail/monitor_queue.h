// The threads that wait for a condition of a monitor: least rank first, then in order of arrival.
#ifndef CONC_DETAIL_MONITOR_QUEUE_H
#define CONC_DETAIL_MONITOR_QUEUE_H

#include <cstddef>
#include <cstdint>

#include "conc/config.h"

namespace conc::detail {

// On the waiter's stack.
struct monitor_waiter {
  std::uint64_t rank = 0;
  monitor_waiter* next = nullptr;
};

// Guarded by the monitor: whoever looks is inside. To queue behind all others, as everybody does
// who gives no rank, takes one step; any other place is found from the front.
class CONC_API monitor_queue {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept;
  // Of a queue that is not empty.
  std::uint64_t least_rank() const noexcept { return first_->rank; }

  void insert(monitor_waiter& w) noexcept;
  // The first, taken off; null if there is none.
  monitor_waiter* take_first() noexcept;
  // Takes off one that is in the queue.
  void remove(monitor_waiter& w) noexcept;

 private:
  monitor_waiter* first_ = nullptr;
  monitor_waiter* last_ = nullptr;
};

}  // namespace conc::detail

#endif  // CONC_DETAIL_MONITOR_QUEUE_H
