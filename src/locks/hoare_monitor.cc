// The monitor that is handed over.
//
// Who is inside holds the mutex. It never becomes free between a signaller and the waiter, nor
// between one who leaves and one who is urgent: its word changes from the one's number to the
// other's (hand_over() in mutex.cc), so nobody from outside gets between them. The queues of the
// conditions and that of the urgent are guarded by the mutex, like all other data of the monitor;
// the parking table knows only those at the door.
//
// A thread that gives the monitor away is in a queue before it does, and its registers are saved:
// it is done on the next thread's stack, by pass_on() or pass_to().
#include "conc/hoare_monitor.h"

#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/mutex_wait.h"

namespace conc {

using namespace detail;

namespace {

struct hoare_waiter : monitor_waiter {
  task* who = nullptr;
};

task& waiting(monitor_waiter& w) noexcept { return *static_cast<hoare_waiter&>(w).who; }

void wait_as(task& self, wait_kind kind, const void* address, publish_fn publish,
             void* argument) noexcept {
  self.withdraw = nullptr;
  self.wait_address.store(address, memory_order_relaxed);  // for dumps
  self.waits_for.store(kind, memory_order_relaxed);
  suspend(self, publish, argument);
}

}  // namespace

// publish_fn of a waiter: the monitor goes to the next who is urgent, or is free.
void hoare_monitor::pass_on(task& self, void* monitor) noexcept {
  auto& m = *static_cast<hoare_monitor*>(monitor);
  monitor_waiter* next = CONC_STEP(monitor_urgent_first) ? m.urgent_.take_first() : nullptr;
  if (next == nullptr) return release(m.mutex_.word_);
  hand_over(m.mutex_.word_, self, waiting(*next));
}

struct pass_to_call {
  atomic<std::uint64_t>& word;
  task& next;
};

// publish_fn of a signaller, who is gone from here as soon as the next thread runs.
void hoare_monitor::pass_to(task& self, void* call) noexcept {
  const pass_to_call c = *static_cast<pass_to_call*>(call);
  hand_over(c.word, self, c.next);
}

void hoare_monitor::hand_to_urgent() noexcept {
  if (!mutex_.held_by_me()) return mutex_.unlock();  // which says what is wrong
  hand_over(mutex_.word_, current_task(), waiting(*urgent_.take_first()));
}

void hoare_monitor::condition::wait(std::uint64_t rank) noexcept {
  if (!monitor_.mutex_.held_by_me()) {
    fatal("a monitor's condition was waited for from outside the monitor", this);
  }
  hoare_waiter me;
  me.rank = rank;
  me.who = &current_task();
  waiters_.insert(me);
  wait_as(*me.who, wait_kind::monitor_condition, this, pass_on, &monitor_);
}

void hoare_monitor::condition::signal() noexcept {
  if (!monitor_.mutex_.held_by_me()) {
    fatal("a monitor's condition was signalled from outside the monitor", this);
  }
  monitor_waiter* first = waiters_.take_first();
  if (first == nullptr) return;
  hoare_waiter me;
  me.who = &current_task();
  monitor_.urgent_.insert(me);
  pass_to_call call{monitor_.mutex_.word_, waiting(*first)};
  wait_as(*me.who, wait_kind::monitor_urgent, &monitor_, pass_to, &call);
}

void hoare_monitor::condition::destroyed_in_use() noexcept {
  fatal("a monitor's condition was destroyed while threads wait for it", this);
}

}  // namespace conc
