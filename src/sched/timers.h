// A processor's deadlines: a four-way heap of timers.
//
// Every thread has at most one timer (it waits for at most one thing), embedded in its control
// block; an operation in flight may embed another. The heap's array holds deadline and node side by
// side, so that sifting compares without following pointers. The lock is the owner's alone nearly
// always: threads arm on the processor they run on, and disarm where they wake.
//
// Lock order: a bucket of the parking table may be held when arming, so nothing is locked under the
// heap's lock; expired threads are collected first and withdrawn afterwards.
#ifndef CONC_SCHED_TIMERS_H
#define CONC_SCHED_TIMERS_H

#include <vector>

#include "locks/internal_lock.h"
#include "threads/tcb.h"

namespace conc::detail {

// A timer that runs a function of its own instead of waking a thread.
struct callback_timer : timer_node {
  // Called under the heap's lock on the processor's carrier: must be short and take no lock.
  void (*expired)(callback_timer& self) noexcept = nullptr;
};

// A wait that was overtaken by its deadline, and how to end it: read together under the heap's
// lock, for the thread may since have been woken and have begun another wait. The epoch tells them
// apart.
struct expired_wait {
  tcb* thread;
  std::uint32_t epoch;
  bool (*withdraw)(task&, std::uint32_t) noexcept;
};

class timers {
 public:
  explicit timers(std::uint32_t owner) noexcept : owner_(owner) {}

  // Ends the process if there is no memory for the entry: the wait has no way to report it.
  void arm(tcb& t, nanos deadline) noexcept { insert(t.timer, deadline, &t); }
  void arm(callback_timer& t, nanos deadline) noexcept { insert(t, deadline, nullptr); }

  // After the return the timer neither is in the heap nor runs its callback. For a thread's timer
  // an expiry may still be under way; the epoch makes it harmless.
  void disarm(timer_node& t) noexcept;

  // The earliest deadline, or no_deadline. A hint to all but the owner.
  nanos earliest() const noexcept { return earliest_.load(memory_order_relaxed); }

  // Removes what has expired by `time`: runs callbacks, collects up to `room` threads. Returns how
  // many; call again while that equals `room`.
  std::size_t expire(nanos time, expired_wait* out, std::size_t room) noexcept;

 private:
  struct entry {
    nanos deadline;
    timer_node* node;
    tcb* thread;  // null: a callback_timer
  };

  void insert(timer_node& t, nanos deadline, tcb* thread) noexcept;
  void remove_at(std::size_t i) noexcept;
  void sift_up(std::size_t i, entry e) noexcept;
  void sift_down(std::size_t i, entry e) noexcept;
  void place(std::size_t i, entry e) noexcept {
    heap_[i] = e;
    e.node->heap_index = static_cast<std::uint32_t>(i);
  }
  void publish_earliest() noexcept {
    earliest_.store(heap_.empty() ? no_deadline : heap_[0].deadline, memory_order_relaxed);
  }

  internal_lock lock_;
  const std::uint32_t owner_;
  atomic<nanos> earliest_{no_deadline};
  std::vector<entry> heap_;
};

}  // namespace conc::detail

#endif  // CONC_SCHED_TIMERS_H
