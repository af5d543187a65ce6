// The queue of a condition_variable_any, and one thread's waits in it.
//
// A native condition variable lets its waiter's mutex go in the moment in which the waiter is off
// its stack. That cannot be done with somebody else's lock: its unlock() is any code, and may wait
// itself. So the waiter queues first, in a list of its own, then calls unlock(), and only then
// waits, for a semaphore that lies beside its place in the list. A notifier takes it off the list
// and releases the semaphore; after that it touches neither the condition variable nor the waiter.
#ifndef CONC_DETAIL_ANY_WAIT_H
#define CONC_DETAIL_ANY_WAIT_H

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/deadline.h"
#include "conc/semaphore.h"

namespace conc::detail {

class any_wait;

// First in, first out. Guarded by the lock of its address's bucket in the parking table, which
// never goes away: so a late waiter can ask whether it still is in the list of an object that is
// gone.
class CONC_API any_queue {
 public:
  constexpr any_queue() noexcept = default;
  any_queue(const any_queue&) = delete;
  any_queue& operator=(const any_queue&) = delete;
  ~any_queue() {
    if (first_.load(memory_order_relaxed) != nullptr) [[unlikely]]
      destroyed_in_use();
  }

  // Relaxed is enough: a waiter that must see this notification has queued before it gave up the
  // lock under which the notifier has changed the condition.
  void notify_one() noexcept {
    if (first_.load(memory_order_relaxed) != nullptr) notify_one_slow();
  }
  void notify_all() noexcept {
    if (first_.load(memory_order_relaxed) != nullptr) notify_all_slow();
  }

 private:
  friend class any_wait;
  void notify_one_slow() noexcept;
  void notify_all_slow() noexcept;
  void unlink(any_wait& w) noexcept;
  [[noreturn]] void destroyed_in_use() noexcept;

  atomic<any_wait*> first_{nullptr};
  any_wait* last_ = nullptr;
};

// A semaphore of at most one permit, waited for on the steady clock.
class wake_signal : semaphore_base {
 public:
  constexpr wake_signal() noexcept : semaphore_base(0, 1) {}
  using semaphore_base::acquire;
  using semaphore_base::try_acquire;
  using semaphore_base::wait_as;
  void release() noexcept { semaphore_base::release(1, 1); }
};

// On the waiter's stack; serves any number of waits one after the other.
class CONC_API any_wait {
 public:
  explicit any_wait(any_queue& q) noexcept : queue_(q) {}
  any_wait(const any_wait&) = delete;
  any_wait& operator=(const any_wait&) = delete;
  ~any_wait() { leave(); }

  // From here on notifications are meant for this waiter as well.
  void enter() noexcept;
  // Waits for one. False if the deadline came first; then the waiter is off the list.
  bool until(steady_nanos deadline) noexcept;
  // Ends a wait that until() has not ended: nothing was notified, or it does not matter.
  void leave() noexcept;
  // Ends the wait of another thread, if it waits, as a notification would. Never suspends: a stop
  // callback may call it.
  void interrupt() noexcept;

 private:
  friend class any_queue;
  bool withdraw() noexcept;

  any_queue& queue_;  // not touched once it has taken this waiter off
  any_wait* next_ = nullptr;
  any_wait* prev_ = nullptr;
  bool queued_ = false;   // under the lock
  bool entered_ = false;  // between enter() and the end of the wait; the waiter's own
  wake_signal woken_;
};

// Gives a lock back for a while. If it cannot be had again the program ends, as the standard wants:
// who called wait() would go on as if he had it.
template <class Lock>
class unlocked {
 public:
  explicit unlocked(Lock& lock) : lock_(lock) { lock_.unlock(); }
  unlocked(const unlocked&) = delete;
  unlocked& operator=(const unlocked&) = delete;
  ~unlocked() { lock_.lock(); }

 private:
  Lock& lock_;
};

}  // namespace conc::detail

#endif  // CONC_DETAIL_ANY_WAIT_H
