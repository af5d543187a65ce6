// A processor's deadlines: a four-way heap of timers.
//
// Every thread has at most one timer (it waits for at most one thing), embedded in its control
// block; an operation in flight may embed another. The heap's array holds deadline and node side by
// side, so that sifting compares without following pointers. The lock is the owner's alone nearly
// always: threads arm on the processor they run on, and disarm where they wake.
//
// An idle carrier expires the timers of a processor whose thread computes (steal.cc). It may resume
// only threads whose registers have been saved; but a thread arms its timer while it still runs. So
// the heap keeps in mind which one that is:
//
//   a thread that begins to wait               an idle carrier
//   1. leaving = itself                        1. locks the heap
//   2. arms its timer, under the lock          2. finds the timer expired
//   3. saves its registers, switches           3. leaving is that thread? leaves it alone
//   4. on the next one's stack: leaving = null
//
// There is one at a time; and if 3 on the right reads something else, then 4 has come before.
// Callbacks are left to the processor's own carrier.
//
// Lock order: a bucket of the parking table may be held when arming, so under the heap's lock only
// a callback locks anything; expired threads are collected first and withdrawn afterwards.
#ifndef CONC_SCHED_TIMERS_H
#define CONC_SCHED_TIMERS_H

#include <vector>

#include "locks/internal_lock.h"
#include "threads/tcb.h"

namespace conc::detail {

// A timer that runs a function of its own instead of waking a thread.
struct callback_timer : timer_node {
  // Called under the heap's lock on the processor's carrier: must be short, and may take only a
  // lock under which nothing is locked.
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

  // Both end the process if there is no memory for the entry: the wait has no way to report it.
  // A thread arms its own timer, on the processor; whoever runs there next calls saved().
  void arm(tcb& t, nanos deadline) noexcept {
    // [timers.leaving] release: pairs with the acquire in expire(), for the thread before.
    leaving_.store(&t, memory_order_release);
    insert(t.timer, deadline, &t);
  }
  void saved() noexcept {
    // [timers.leaving] release: pairs with the acquire in expire(); who resumes the thread sees its
    // registers.
    leaving_.store(nullptr, memory_order_release);
  }
  void arm(callback_timer& t, nanos deadline) noexcept { insert(t, deadline, nullptr); }

  // After the return the timer neither is in the heap nor runs its callback. For a thread's timer
  // an expiry may still be under way; the epoch makes it harmless.
  void disarm(timer_node& t) noexcept;

  // The earliest deadline, or no_deadline. A hint to all but the owner.
  nanos earliest() const noexcept { return earliest_.load(memory_order_relaxed); }

  // When somebody who sleeps should look next: at the earliest deadline; or, where several follow
  // each other closely, up to `slack` later, for all of them at once.
  nanos next_look() noexcept;
  static constexpr nanos slack = 15'000;

  // Removes what has expired by `time`: collects up to `room` threads, and runs callbacks. Returns
  // how many threads; call again while that equals `room`. Who is not the processor's own carrier
  // says so, and leaves alone what is not his to take.
  enum class by : bool { its_carrier, another };
  std::size_t expire(nanos time, expired_wait* out, std::size_t room, by who) noexcept;

 private:
  struct entry {
    nanos deadline;
    timer_node* node;
    tcb* thread;  // null: a callback_timer
  };

  void insert(timer_node& t, nanos deadline, tcb* thread) noexcept;
  bool is_anybodys(const entry& e) const noexcept;
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
  atomic<const tcb*> leaving_{nullptr};  // has armed its timer, and may not have left yet
  std::vector<entry> heap_;
};

}  // namespace conc::detail

#endif  // CONC_SCHED_TIMERS_H
