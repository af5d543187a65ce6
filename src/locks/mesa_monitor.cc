#include "conc/mesa_monitor.h"

#include <mutex>

#include "conc/condition_variable.h"
#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/wait_kind.h"

namespace conc {

using namespace detail;

namespace {

// Each waiter brings a condition variable of its own, so that whom a signal reaches is for the
// queue to say. It is used under the monitor's mutex only, and so is gone no sooner than its
// signaller has left.
struct mesa_waiter : monitor_waiter {
  condition_variable woken;
  bool signalled = false;
};

void wake(monitor_waiter& w) noexcept {
  auto& m = static_cast<mesa_waiter&>(w);
  m.signalled = true;
  m.woken.notify_one();
}

}  // namespace

bool mesa_monitor::condition::wait_until_steady(std::uint64_t rank,
                                                steady_nanos deadline) noexcept {
  if (!monitor_.mutex_.held_by_me()) {
    fatal("a monitor's condition was waited for from outside the monitor", this);
  }
  std::unique_lock inside(monitor_.mutex_, std::adopt_lock);
  mesa_waiter me;
  me.rank = rank;
  waiters_.insert(me);
  while (!me.signalled && me.woken.wait_as(wait_kind::mesa_condition, inside, deadline)) {
  }
  inside.release();
  // A signal that came after the deadline, but before the way in was free, counts all the same: it
  // went to nobody else.
  if (me.signalled && CONC_STEP(monitor_late_signal_counts)) return true;
  waiters_.remove(me);
  return false;
}

void mesa_monitor::condition::signal() noexcept {
  if (!monitor_.mutex_.held_by_me()) {
    fatal("a monitor's condition was signalled from outside the monitor", this);
  }
  if (monitor_waiter* w = waiters_.take_first(); w != nullptr) wake(*w);
}

void mesa_monitor::condition::broadcast() noexcept {
  do signal();
  while (!waiters_.empty());
}

void mesa_monitor::condition::destroyed_in_use() noexcept {
  fatal("a monitor's condition was destroyed while threads wait for it", this);
}

}  // namespace conc
