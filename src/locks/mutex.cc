#include "conc/mutex.h"

#include "locks/block_cost.h"
#include "locks/fatal.h"
#include "locks/kernel_task.h"
#include "locks/mutants.h"
#include "locks/mutex_wait.h"
#include "locks/mutex_word.h"
#include "locks/parking_table.h"
#include "locks/spin_budget.h"

namespace conc {

using namespace detail;
using namespace detail::mutex_word;

namespace detail {
namespace {

using word = atomic<std::uint64_t>;

bool change(word& w, std::uint64_t& seen, std::uint64_t wanted) noexcept {
  // [mutex] acquire: pairs with the release of an unlock; also where the change takes nothing,
  // which costs nothing on the machines we know.
  return w.compare_exchange_weak(seen, wanted, memory_order_acquire, memory_order_relaxed);
}

// Whether the caller is the one newcomer who may spin. A user-level thread does not: its blocking
// is cheap, and its processor has other threads to run.
bool become_spinner(word& w, std::uint64_t& seen, const task& self) noexcept {
  if ((seen & spinning) != 0 || !is_locked(seen) || !is_kernel_thread(self)) return false;
  return change(w, seen, seen | spinning);
}

// Spins for at most C. Returns true with the mutex taken, or false with `spinning` cleared; it is
// only cleared while the mutex is locked, so that its unlock wakes somebody.
bool spin_as_newcomer(word& w, std::uint64_t mine, nanos deadline) noexcept {
  spinner_slot slot;
  spin_timer timer(slot ? block_cost_if_known() : 0, deadline);
  std::uint64_t seen = w.load(memory_order_relaxed);
  for (;;) {
    if (is_takeable(seen)) {
      if (change(w, seen, taken_by_newcomer(seen & ~spinning, mine))) return true;
      continue;
    }
    // Free but reserved counts as out of luck, too: then the designated waiter is awake.
    if (!slot || timer.expired() || is_reserved(seen)) {
      if (change(w, seen, seen & ~spinning)) return false;
      continue;
    }
    CONC_CPU_RELAX();
    seen = w.load(memory_order_relaxed);
  }
}

// A kernel thread that was woken for the mutex and finds it taken again: having paid for the wake,
// it stays for up to C before it pays for another one. `waking` remains set all the while.
bool spin_as_designated(word& w, std::uint64_t mine, const task& self, nanos deadline) noexcept {
  if (!is_kernel_thread(self)) return false;
  spinner_slot slot;
  if (!slot) return false;
  spin_timer timer(block_cost_if_known(), deadline);
  do {
    std::uint64_t seen = w.load(memory_order_relaxed);
    if (!is_locked(seen) && change(w, seen, taken_by_designated(seen, mine))) return true;
    CONC_CPU_RELAX();
  } while (!timer.expired());
  return false;
}

// Runs under the bucket's lock. Says "I park" by making the word say so, if it must be.
bool must_park(word& w, bool designated) noexcept {
  std::uint64_t seen = w.load(memory_order_relaxed);
  for (;;) {
    if (designated ? !is_locked(seen) : is_takeable(seen)) {
      if (CONC_STEP(mutex_validate_before_park)) return false;
    }
    // The first waiter of an uncontended mutex starts the count of bypasses.
    std::uint64_t wanted = has_waiters(seen) ? seen : seen & ~bypass_mask;
    if (CONC_STEP(mutex_say_parked)) wanted |= parked;
    if (designated && CONC_STEP(mutex_resign_as_designated)) wanted &= ~waking;
    if (change(w, seen, wanted)) return true;
  }
}

// A queued waiter whose deadline has passed leaves. The count of bypasses stays: it is at least the
// next one's.
bool leave_on_timeout(task&, const void* address, bool last) noexcept {
  auto& w = *static_cast<word*>(const_cast<void*>(address));
  if (last) w.fetch_and(~parked, memory_order_relaxed);
  return true;
}

// A waiter that is awake when its deadline passes. One that was woken to compete has to resign, and
// only may while the mutex is locked, so that the next unlock wakes another; or it takes the mutex.
bool give_up(word& w, std::uint64_t mine, bool designated) noexcept {
  std::uint64_t seen = w.load(memory_order_relaxed);
  while (designated) {
    if (!is_locked(seen)) {
      if (change(w, seen, taken_by_designated(seen, mine))) return true;
    } else if (!CONC_STEP(mutex_late_designated_resigns) || change(w, seen, seen & ~waking)) {
      return false;
    }
  }
  return false;
}

}  // namespace

bool lock_waiting(word& w, std::uint64_t mine, task& self, wake_token token, nanos deadline,
                  bool may_spin) noexcept {
  bool designated = token == wake_token::designated;
  for (;;) {
    std::uint64_t seen = w.load(memory_order_relaxed);
    if (designated ? !is_locked(seen) : is_takeable(seen)) {
      const std::uint64_t wanted =
          designated ? taken_by_designated(seen, mine) : taken_by_newcomer(seen, mine);
      if (change(w, seen, wanted)) return true;
      continue;
    }
    if (may_spin && designated) {
      if (spin_as_designated(w, mine, self, deadline)) return true;
    } else if (may_spin && become_spinner(w, seen, self)) {
      if (spin_as_newcomer(w, mine, deadline)) return true;
    }
    if (deadline != no_deadline && now() >= deadline) return give_up(w, mine, designated);
    // A waiter that was woken and lost goes back to the front: it is still the oldest.
    park_options options;
    options.deadline = deadline;
    options.on_timeout = leave_on_timeout;
    const bool to_front = designated && CONC_STEP(mutex_loser_to_the_front);
    options.kind = wait_kind::mutex;
    options.where = to_front ? queue_end::front : queue_end::back;
    const park_result slept =
        park(self, &w, options, [&]() noexcept { return must_park(w, designated); });
    if (!slept.slept) continue;
    if (slept.token == wake_token::granted) return true;
    if (slept.token == wake_token::timed_out) return false;
    designated = true;
  }
}

namespace {

// Frees a mutex that has parked waiters, waking the oldest or handing the mutex to it.
void wake_next_owner(word& w) noexcept {
  unpark_one(&w, [&](task* oldest, bool more) noexcept {
    // Only this unlocker clears `locked`, but newcomers may still set `spinning`, and a designated
    // waiter cannot exist: his bit was clear when we came and only an unlocker sets it.
    std::uint64_t seen = w.load(memory_order_relaxed);
    for (;;) {
      std::uint64_t wanted = seen & ~(locked | owner_mask | parked);
      if (more) wanted |= parked;
      wake_token token = wake_token::designated;
      if (oldest == nullptr) {
        wanted &= ~bypass_mask;
      } else if (bypasses(seen) >= mutex::max_bypass) {
        wanted = (wanted & ~bypass_mask) | std::uint64_t{oldest->id} << 32 | locked;
        token = wake_token::granted;
      } else {
        wanted |= waking;
      }
      // [mutex] release: pairs with the acquire of the next owner. It is also the last access to
      // the mutex: a waiter cannot return before the bucket is unlocked.
      if (w.compare_exchange_weak(seen, wanted, memory_order_release, memory_order_relaxed)) {
        return token;
      }
    }
  });
}

}  // namespace

void requeue_to_mutex(word& w, task* first) noexcept {
  // A free mutex with waiters has somebody awake for it: the designated waiter, or the spinner.
  parking_bucket& b = bucket_of(&w);
  b.lock.lock();
  std::uint64_t seen = w.load(memory_order_relaxed);
  bool wake_first;
  for (;;) {
    wake_first = !is_locked(seen) && !has_waiters(seen);
    std::uint64_t wanted = has_waiters(seen) ? seen : seen & ~bypass_mask;
    if (wake_first) wanted |= waking;
    if (!wake_first || first->next_waiter != nullptr) wanted |= parked;
    if (change(w, seen, wanted)) break;
  }
  task* t = first;
  if (wake_first) {
    t = first->next_waiter;
    first->next_waiter = nullptr;
    first->token = wake_token::designated;
  }
  while (t != nullptr) {
    task* next = t->next_waiter;
    // They have been notified: a deadline means nothing to them any more.
    if (CONC_STEP(cv_requeued_stays)) {
      t->on_timeout = [](task&, const void*, bool) noexcept { return false; };
    }
    t->waits_for.store(wait_kind::mutex, memory_order_relaxed);
    enqueue(b, &w, *t, queue_end::back);
    t = next;
  }
  b.lock.unlock();
  if (wake_first) resume(*first);
}

void hand_over(word& w, const task& from, task& to) noexcept {
  to.token = wake_token::granted;
  // The owner's number is in the upper half; whatever others do in the lower one meanwhile stays.
  // Not counted as a bypass: who is handed the mutex was inside before those at the door came.
  // [mutex] acq_rel: both an unlock and the lock that follows it.
  w.fetch_add((std::uint64_t{to.id} - from.id) << 32, memory_order_acq_rel);
  resume(to);
}

void release(word& w) noexcept {
  std::uint64_t seen = w.load(memory_order_relaxed);
  for (;;) {
    const bool somebody_is_awake =
        (seen & waking) != 0 || ((seen & spinning) != 0 && bypasses(seen) < mutex::max_bypass);
    if ((seen & parked) != 0 && !somebody_is_awake) return wake_next_owner(w);
    std::uint64_t wanted = seen & ~(locked | owner_mask);
    if (!has_waiters(seen)) wanted &= ~bypass_mask;
    // [mutex] release: pairs with the acquire of the next owner; the last access to the mutex.
    const auto order = CONC_STEP(order_of_unlock) ? memory_order_release : memory_order_relaxed;
    if (w.compare_exchange_weak(seen, wanted, order, memory_order_relaxed)) return;
  }
}

}  // namespace detail

void mutex::check_not_mine(std::uint64_t mine) const noexcept {
  if (owner(word_.load(memory_order_relaxed)) == owner(mine)) {
    fatal("a thread locked a mutex that it already holds", this);
  }
}

void mutex::lock_slow(std::uint64_t mine) noexcept {
  check_not_mine(mine);
  lock_waiting(word_, mine, current_task(), wake_token::notified);
}

void mutex::lock_without_spinning() noexcept {
  const std::uint64_t mine = owner_bits();
  check_not_mine(mine);
  lock_waiting(word_, mine, current_task(), wake_token::notified, no_deadline, false);
}

bool mutex::lock_until_steady(steady_nanos deadline) noexcept {
  if (try_lock()) return true;
  const std::uint64_t mine = owner_bits();
  check_not_mine(mine);
  return lock_waiting(word_, mine, current_task(), wake_token::notified, deadline);
}

bool mutex::try_lock_slow(std::uint64_t mine) noexcept {
  std::uint64_t seen = word_.load(memory_order_relaxed);
  while (is_takeable(seen)) {
    if (change(word_, seen, taken_by_newcomer(seen, mine))) return true;
  }
  return false;
}

void mutex::unlock_slow() noexcept {
  const std::uint64_t seen = word_.load(memory_order_relaxed);
  if (!is_locked(seen)) fatal("a mutex was unlocked that nobody holds", this);
  if (owner(seen) != current_head().id) {
    fatal("a mutex was unlocked by a thread that does not hold it", this, owner(seen));
  }
  release(word_);
}

void mutex::destroyed_in_use() noexcept {
  const std::uint64_t seen = word_.load(memory_order_relaxed);
  if (is_locked(seen)) fatal("a mutex was destroyed while locked", this, owner(seen));
  fatal("a mutex was destroyed while threads wait for it", this);
}

}  // namespace conc
