// Kernel threads as tasks. The permit word:
//
//   value      meaning                           set by
//   0 empty    no wake is due                    the owner, when it consumes a wake
//   1 given    a wake is due                     resume()
//   2 asleep   the owner is in futex_wait        the owner, by CAS from empty
//
// Invariant: one resume() per suspend(), so `given` is never given twice; resume() enters the
// kernel only if it displaced `asleep`.
#include "locks/kernel_task.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <new>

#include "conc/config.h"
#include "locks/block_cost.h"
#include "locks/fatal.h"
#include "locks/fiber_values.h"
#include "locks/fork.h"
#include "locks/futex.h"
#include "locks/internal_lock.h"
#include "locks/mutants.h"
#include "locks/random_delay.h"
#include "locks/spin_budget.h"
#include "locks/task_slab.h"
#include "locks/usable_cpus.h"
#include "locks/wake_latency.h"

namespace conc::detail {

// The one thread_local (current.h says why there is no other). Written at attach and by the switch
// between user-level threads; read by the assembly in current_or_null(). Inline for the reason that
// parking_table.h gives.
extern "C" {
[[gnu::visibility("default"), gnu::used,
  gnu::tls_model("initial-exec")]] inline constinit thread_local task_head* conc_current_task_v0 =
    nullptr;
}

task_head* const* place_of_current_task() noexcept { return &conc_current_task_v0; }

namespace {

constexpr std::uint32_t empty = 0, given = 1, asleep = 2;

bool take_permit(task& self) noexcept {
  // [permit] acquire: pairs with the release in resume(); the token is visible with the permit.
  if (self.permit.load(memory_order_acquire) != given) return false;
  if (CONC_STEP(permit_consume)) self.permit.store(empty, memory_order_relaxed);
  return true;
}

// Null for a user-level thread in a blocking section, which only waits like a kernel thread.
kernel_task* as_kernel_task(task& t) noexcept {
  return t.is_thread ? nullptr : static_cast<kernel_task*>(&t);
}

bool spin_for_permit(task& self, nanos budget, nanos deadline) noexcept {
  spin_timer timer(budget, deadline);
  do {
    if (take_permit(self)) return true;
    CONC_CPU_RELAX();
  } while (!timer.expired());
  return false;
}

// Two-phase waiting, first phase: for as long as a sleep and a wake would cost, the wake may come
// cheaper. The number of kernel threads that spin at once is bounded (spin_budget.h). A mutex has
// been spun for already, and whoever was woken for it is not waited for, but competed with; after
// other wakes partner_watch.h says how long.
bool wait_awake(task& self, bool for_a_mutex, nanos deadline) noexcept {
  spinner_slot slot;
  if (!slot) return false;
  const nanos cost = block_cost_if_known();
  kernel_task* me = as_kernel_task(self);
  if (me == nullptr || for_a_mutex || !me->partner.has_news()) [[likely]]
    return spin_for_permit(self, cost, deadline);
  const nanos budget = me->partner.worth(now(), cost, wake_latency_if_known());
  const bool answered = budget != 0 && spin_for_permit(self, budget, deadline);
  me->partner.ended(answered);
  return answered;
}

// What a sleeper and whoever wakes it tell each other, for their next waits. With one usable CPU
// nobody spins, and nobody wants to know.
bool may_meet_awake() noexcept { return usable_cpus() > 1; }

void note_where_we_sleep(task& self) noexcept {
  kernel_task* me = as_kernel_task(self);
  if (me != nullptr && may_meet_awake()) me->sleeps_on.store(sched_getcpu(), memory_order_relaxed);
}

void note_who_woke_us(task& self) noexcept {
  kernel_task* me = as_kernel_task(self);
  if (me == nullptr || !may_meet_awake()) return;
  // Woken on the waker's own CPU we have taken its place there, and it waits for ours.
  if (me->woken_from.load(memory_order_relaxed) == sched_getcpu()) me->partner.woke(now(), true);
}

void wake_sleeper(task& target) noexcept {
  task_head* const head = current_or_null();
  kernel_task* me = head != nullptr ? as_kernel_task(*static_cast<task*>(head)) : nullptr;
  kernel_task* it = as_kernel_task(target);
  if (me == nullptr || it == nullptr || !may_meet_awake()) {
    futex_wake(target.permit);
    return;
  }
  const int here = sched_getcpu();
  const int slept_on = it->sleeps_on.load(memory_order_relaxed);
  it->woken_from.store(here, memory_order_relaxed);
  futex_wake(target.permit);
  me->partner.woke(now(), slept_on == here);
}

void suspend_kernel_thread(task& self, publish_fn publish, void* argument,
                           nanos deadline) noexcept {
  const std::uint32_t epoch = self.wait_epoch.load(memory_order_relaxed);
  // Once we are published a notifier may move us to a mutex's queue.
  const bool for_a_mutex = self.waits_for.load(memory_order_relaxed) == wait_kind::mutex;
  self.state.store(task_state::blocked, memory_order_relaxed);
  publish(self, argument);
  CONC_RANDOM_DELAY();
  bool woken = wait_awake(self, for_a_mutex, deadline);
  const bool sleeps = !woken;
  if (sleeps) {
    self.waits_since.store(coarse_ticks(now()), memory_order_relaxed);
    note_where_we_sleep(self);
  }
  while (!woken) {
    std::uint32_t seen = empty;
    self.permit.compare_exchange_strong(seen, asleep, memory_order_relaxed, memory_order_relaxed);
    CONC_RANDOM_DELAY();
    if (seen != given && !futex_wait(self.permit, asleep, deadline)) {
      // Too late. Either nobody has found us and we leave, or somebody has: then the wake is
      // certain, and it is waited for without a deadline.
      deadline = no_deadline;
      if (self.withdraw != nullptr && self.withdraw(self, epoch)) {
        self.permit.store(empty, memory_order_relaxed);
        self.token = wake_token::timed_out;
        break;
      }
    }
    woken = take_permit(self);
  }
  if (sleeps && woken) note_who_woke_us(self);
  self.state.store(task_state::running, memory_order_relaxed);
}

void resume_kernel_thread(task& target) noexcept {
  // [permit] release: pairs with the acquire in take_permit(). After the exchange the target may
  // be gone; its cell, and so the futex word, is not.
  const auto order = CONC_STEP(order_of_permit) ? memory_order_release : memory_order_relaxed;
  CONC_RANDOM_DELAY();
  const bool sleeps = target.permit.exchange(given, order) == asleep;
  CONC_RANDOM_DELAY();
  if (sleeps && CONC_STEP(permit_wake_the_sleeper)) wake_sleeper(target);
}

void yield_kernel_thread(task&) noexcept {
  check_not_forked();
  sched_yield();
}

// Records of ended kernel threads, for the next ones.
struct free_records {
  internal_lock lock;
  task* first = nullptr;
};
constinit free_records unused;

void detach(void* record) noexcept {
  task* self = static_cast<task*>(record);
  end_fiber_values(*self);
  self->state.store(task_state::free, memory_order_relaxed);
  set_current_task(nullptr);
  give_kernel_record(*self);
}

pthread_key_t make_exit_hook() noexcept {
  watch_for_fork();
  pthread_key_t key;
  if (pthread_key_create(&key, detach) != 0) fatal("no thread-specific key is left");
  return key;
}

task& take_record_or_end() noexcept {
  try {
    return take_kernel_record();
  } catch (...) {
    fatal("no memory for the record of a kernel thread");
  }
}

}  // namespace

constexpr task_port kernel_thread_port{suspend_kernel_thread, resume_kernel_thread,
                                       yield_kernel_thread};

task& take_kernel_record() {
  {
    internal_lock_guard guard(unused.lock);
    if (task* t = unused.first; t != nullptr) {
      unused.first = t->next_waiter;
      t->next_waiter = nullptr;
      return *t;
    }
  }
  const fresh_cells cells = take_fresh_cells(1);
  task* t = ::new (cell_address(cells.first)) kernel_task;
  t->id = cells.first;
  return *t;
}

void give_kernel_record(task& record) noexcept {
  internal_lock_guard guard(unused.lock);
  record.next_waiter = unused.first;
  unused.first = &record;
}

void attach_as(task& record) noexcept {
  static const pthread_key_t exit_hook = make_exit_hook();
  static_cast<kernel_task&>(record).thread_id = gettid();
  record.port = &kernel_thread_port;
  record.host = nullptr;
  ++record.generation;
  record.state.store(task_state::running, memory_order_relaxed);
  set_current_task(&record);
  if (pthread_setspecific(exit_hook, &record) != 0) fatal("no memory to attach a kernel thread");
}

task_head& attach() noexcept {
  task& record = take_record_or_end();
  attach_as(record);
  return record;
}

}  // namespace conc::detail
