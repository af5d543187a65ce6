// A processor's deadlines: those of its threads' waits, and those of operations in flight.
//
// Every thread has at most one timer (it waits for at most one thing); its node is embedded in the
// control block, and what else it may need is in the record of the wait, on its stack. Arming never
// fails and allocates nothing (deadline_heap.h). The lock is the owner's alone nearly always:
// threads arm on the processor they run on, and disarm where they wake.
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
// Callbacks are left to the processor's own carrier, and have a heap of their own: overdue there,
// however many, they hide no thread's deadline from the idle carrier.
//
// Lock order: a bucket of the parking table may be held when arming, so under the heap's lock only
// a callback locks anything; expired threads are collected first and withdrawn afterwards.
#ifndef CONC_SCHED_TIMERS_H
#define CONC_SCHED_TIMERS_H

#include <algorithm>

#include "locks/internal_lock.h"
#include "sched/deadline_heap.h"

namespace conc::detail {

// A timer that runs a function of its own instead of waking a thread.
struct callback_timer : timer_node {
  // Called under the heap's lock on the processor's carrier: must be short, and may take only a
  // lock under which nothing is locked.
  void (*expired)(callback_timer& self) noexcept = nullptr;
  deadline_link link;
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
  // `places`: where the array of each heap ends, for tests.
  explicit timers(std::uint32_t owner, std::size_t places = deadline_heap::most_places) noexcept
      : owner_(owner), waits_(places), callbacks_(places) {}

  // A thread arms its own timer, on the processor; whoever runs there next calls saved(). `link`
  // stays where it is until disarm() has returned.
  void arm(tcb& t, nanos deadline, deadline_link& link) noexcept;
  void saved() noexcept {
    // [timers.leaving] release: pairs with the acquire in expire(); who resumes the thread sees its
    // registers.
    leaving_.store(nullptr, memory_order_release);
  }
  void arm(callback_timer& t, nanos deadline) noexcept;

  // After the return the timer neither is in the heap nor runs its callback. For a thread's timer
  // an expiry may still be under way; the epoch makes it harmless.
  void disarm(tcb& t, deadline_link& link) noexcept;
  void disarm(callback_timer& t) noexcept;

  // The earliest deadline, or no_deadline; that of a thread's wait. Hints to all but the owner.
  nanos earliest() const noexcept {
    return std::min(earliest_wait(), first_callback_.load(memory_order_relaxed));
  }
  nanos earliest_wait() const noexcept { return first_wait_.load(memory_order_relaxed); }
  bool are_due(nanos time) const noexcept {
    return earliest_wait() <= time || first_callback_.load(memory_order_relaxed) <= time;
  }

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
  [[gnu::noinline]] void run_callbacks(nanos time) noexcept;
  template <by who>
  std::size_t expire_waits(nanos time, expired_wait* out, std::size_t room) noexcept;
  void publish_first_wait() noexcept { first_wait_.store(waits_.first(), memory_order_relaxed); }
  void publish_first_callback() noexcept {
    first_callback_.store(callbacks_.first(), memory_order_relaxed);
  }

  internal_lock lock_;
  const std::uint32_t owner_;
  atomic<nanos> first_wait_{no_deadline}, first_callback_{no_deadline};
  atomic<const tcb*> leaving_{nullptr};  // has armed its timer, and may not have left yet
  deadline_heap waits_, callbacks_;
};

}  // namespace conc::detail

#endif  // CONC_SCHED_TIMERS_H
