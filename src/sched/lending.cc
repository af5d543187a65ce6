#include "sched/lending.h"

#include <chrono>
#include <cstdio>

#include "conc/blocking.h"
#include "locks/fork.h"
#include "locks/futex.h"
#include "locks/kernel_task.h"
#include "locks/mutants.h"
#include "locks/random_delay.h"
#include "sched/scheduler.h"

namespace conc::detail {

// --- the lender ---------------------------------------------------------------------------------

namespace {

void report_stall(scheduler& home) noexcept {
  if (home.loans.stall_reported.exchange(true, memory_order_relaxed)) return;
  std::fprintf(stderr,
               "conc: %td threads wait to enter conc::blocking; all sections of their runtime are "
               "taken (%u) and none has ended for a second. If they wait for one another, raise "
               "runtime_options::blocking_limit.\n",
               1 - home.loans.permits.value(), home.loans.sections.load(memory_order_relaxed));
}

// A permit, however long that takes; a stall of all sections is reported.
void wait_for_permit(scheduler& home) noexcept {
  lending& l = home.loans;
  if (l.permits.try_acquire()) return;
  for (;;) {
    const std::uint64_t ended = l.sections_ended.load(memory_order_relaxed);
    if (l.permits.try_acquire_for(std::chrono::seconds(1))) return;
    if (ended == l.sections_ended.load(memory_order_relaxed)) report_stall(home);
  }
}

// On the carrier's own stack, when the thread is off its own.
void post_after_section(task& from, void* lent) noexcept {
  tcb& t = static_cast<tcb&>(from);
  t.host = static_cast<processor*>(lent);
  t.state.store(task_state::ready, memory_order_relaxed);
  t.home->post(t);
}

}  // namespace

blocking_section::blocking_section() {
  check_not_forked();
  if (!is_user_thread(current_task())) return;
  tcb& self = static_cast<tcb&>(current_task());
  scheduler& home = *self.home;
  wait_for_permit(home);
  try {
    home.provide_spare();
  } catch (...) {
    home.loans.permits.release();
    throw;
  }
  // From here to the end of the section the thread does not leave its kernel thread.
  processor& p = *processor_of(self);
  carrier& c = *p.holder.load(memory_order_relaxed);
  if (poller* io = c.io.load(memory_order_relaxed); io != nullptr) {
    io->before_blocking();
    c.away_with_io = io->has_business();
    if (c.away_with_io) home.away_with_io.fetch_add(1, memory_order_relaxed);
  }
  if (p.forks.depth() != 0) {
    p.queue.enter();
    p.forks.separate_top();
    p.queue.leave();
  }
  lent_ = &p;
  here_ = &c;
  lease_ = ++p.loan_number * 2 + 1;
  // Without a processor the thread is a kernel thread to everybody.
  self.port = &kernel_thread_port;
  self.aboard = &c;
  // A signal handler looks at the one only where it finds the other null (carrier_here()).
  std::atomic_signal_fence(memory_order_seq_cst);
  self.host = nullptr;
  self.state.store(task_state::running, memory_order_relaxed);
  c.proc = nullptr;
  c.self->host = nullptr;
  // [lease] seq_cst, both: the loan and then its announcement; the table in lending.h. As a release
  // the store pairs with the acquire of whoever takes the processor.
  p.lease.store(lease_, memory_order_seq_cst);
  CONC_RANDOM_DELAY();
  home.loans.lent.fetch_add(1, memory_order_seq_cst);
  CONC_RANDOM_DELAY();
  if (!home.loans.standby.load(memory_order_seq_cst) && CONC_STEP(lending_ring_for_a_standby)) {
    home.ring_for_spare();
  }
}

blocking_section::~blocking_section() {
  if (lent_ == nullptr) return;
  check_not_forked();
  tcb& self = static_cast<tcb&>(current_task());
  scheduler& home = *self.home;
  processor& p = *lent_;
  if (here_->away_with_io) home.away_with_io.fetch_sub(1, memory_order_relaxed);
  here_->away_with_io = false;
  self.port = &user_thread_port;
  std::uint64_t seen = lease_;
  CONC_RANDOM_DELAY();
  // [lease] acquire: as for a borrower, though nobody was here.
  if (p.lease.compare_exchange_strong(seen, 0, memory_order_acquire, memory_order_relaxed)) {
    home.loans.lent.fetch_sub(1, memory_order_relaxed);
    here_->proc = &p;
    self.host = &p;
    here_->self->host = &p;
    self.state.store(task_state::ready, memory_order_relaxed);
  } else {
    leave_as_spare(*here_, self, post_after_section, &p);
  }
  // Perhaps on another kernel thread.
  CONC_RANDOM_DELAY();
  home.loans.sections.fetch_sub(1, memory_order_relaxed);
  home.loans.sections_ended.fetch_add(1, memory_order_relaxed);
  home.loans.permits.release();
}

// --- spares -------------------------------------------------------------------------------------

void scheduler::provide_spare() {
  const std::uint32_t in_sections = loans.sections.fetch_add(1, memory_order_seq_cst) + 1;
  const std::uint32_t needed = static_cast<std::uint32_t>(processors.size()) + in_sections;
  // [lending.carriers] seq_cst: this section is counted before the carriers are; may_end() does it
  // the other way round.
  if (carriers_alive.load(memory_order_seq_cst) >= needed) return;
  try {
    add_spare(needed);
  } catch (...) {
    // A spare that thought of ending and stays, in may_end(), was not counted for a moment.
    if (carriers_alive.load(memory_order_seq_cst) >= needed) return;
    loans.sections.fetch_sub(1, memory_order_relaxed);
    throw;
  }
}

void scheduler::ring_for_spare() noexcept {
  carrier* c;
  {
    internal_lock_guard guard(loans.lock);
    c = loans.spares;
    if (c == nullptr) return;  // who becomes one looks for loans first
    loans.spares = c->next_spare;
    --loans.idle_spares;
    c->is_listed = false;
  }
  ring(*c);
}

void scheduler::ring(carrier& c) noexcept {
  // [bell] release: pairs with the acquire in wait_as_spare().
  c.bell.fetch_add(1, memory_order_release);
  futex_wake(c.bell);
  // [carrier.io] acquire: pairs with the release of whoever made it.
  if (poller* io = c.io.load(memory_order_acquire); io != nullptr) io->interrupt();
}

// False if somebody has taken it off to ring for it.
bool scheduler::unlist(carrier& c) noexcept {
  internal_lock_guard guard(loans.lock);
  if (!c.is_listed) return false;
  carrier** at = &loans.spares;
  while (*at != &c) at = &(*at)->next_spare;
  *at = c.next_spare;
  --loans.idle_spares;
  c.is_listed = false;
  return true;
}

// Sleeps until the bell rings, the time has come or I/O of this carrier has finished.
void scheduler::rest_as_spare(carrier& c, std::uint32_t rung, nanos until) noexcept {
  if (poller* io = c.io.load(memory_order_relaxed); io != nullptr && io->has_business()) {
    io->wait(until);
  } else {
    futex_wait(c.bell, rung, until);
  }
}

// Looks at the lent processors every tick. Null when nothing has been lent for some ticks.
processor* scheduler::stand_by(carrier& c) noexcept {
  for (int quiet = 0; quiet < lending::quiet_ticks; ++quiet) {
    // [bell] acquire: pairs with the release in ring().
    const std::uint32_t rung = c.bell.load(memory_order_acquire);
    if (ended.load(memory_order_seq_cst)) return nullptr;
    for (const auto& owned : processors) {
      processor& p = *owned;
      std::uint64_t loan = p.lease.load(memory_order_relaxed);
      const bool same_as_before = loan == p.loan_seen;
      p.loan_seen = loan;
      if (loan == 0) continue;
      quiet = 0;
      // [lease] acquire: pairs with the lender's store; all of the processor is ours then.
      if (same_as_before && p.lease.compare_exchange_strong(loan, 0, memory_order_acquire)) {
        loans.lent.fetch_sub(1, memory_order_relaxed);
        loans.taken_over.fetch_add(1, memory_order_relaxed);
        return &p;
      }
    }
    rest_as_spare(c, rung, now() + lending::tick);
  }
  return nullptr;
}

// Whether there are carriers enough without this one, which then no longer counts. Operations end
// with the kernel thread that began them, their threads must not.
bool scheduler::may_end(const carrier& c) noexcept {
  const poller* io = c.io.load(memory_order_relaxed);
  if (io != nullptr && io->in_use() && CONC_STEP(lending_stay_for_operations)) {
    loans.kept_for_io.fetch_add(1, memory_order_relaxed);
    return false;
  }
  // [lending.carriers] seq_cst: as in provide_spare().
  const std::uint32_t others = carriers_alive.fetch_sub(1, memory_order_seq_cst) - 1;
  const std::uint32_t needed =
      static_cast<std::uint32_t>(processors.size()) + loans.sections.load(memory_order_seq_cst);
  if (others >= needed) return true;
  carriers_alive.fetch_add(1, memory_order_seq_cst);
  return false;
}

namespace {

void poll_as_spare(carrier& c) noexcept {
  poller* io = c.io.load(memory_order_relaxed);
  if (io != nullptr && io->has_work()) io->poll(poller::then::may_wait);
}

}  // namespace

// Until there is a processor for this carrier. False if it should end.
bool scheduler::wait_as_spare(carrier& c) noexcept {
  for (;;) {
    // Before the looks that the bell stands for: the poll silences the poller's own bell.
    if (CONC_STEP(lending_poll_before_the_looks)) poll_as_spare(c);
    // [bell] acquire: pairs with the release in ring().
    const std::uint32_t rung = c.bell.load(memory_order_acquire);
    if (ended.load(memory_order_seq_cst)) return false;
    CONC_GAP(lending_poll_before_the_looks, 30'000);  // until the last thread has ended
    CONC_RANDOM_DELAY();
    if (!CONC_STEP(lending_poll_before_the_looks)) poll_as_spare(c);
    bool too_many = false;
    {
      internal_lock_guard guard(loans.lock);
      c.next_spare = loans.spares;
      loans.spares = &c;
      c.is_listed = true;
      too_many = ++loans.idle_spares > lending::lasting_spares;
    }
    if (loans.lent.load(memory_order_seq_cst) != 0 && CONC_STEP(lending_look_for_loans) &&
        !loans.standby.exchange(true, memory_order_seq_cst)) {
      unlist(c);
      processor* p = stand_by(c);
      // [lending] seq_cst: the post is given up, then the loans are looked at (above, or by who is
      // rung for here).
      loans.standby.store(false, memory_order_seq_cst);
      if (p == nullptr) continue;
      adopt(c, *p);
      if (loans.lent.load(memory_order_seq_cst) != 0) ring_for_spare();
      return true;
    }
    CONC_RANDOM_DELAY();
    const nanos until =
        too_many ? now() + lending::patience.load(memory_order_relaxed) : no_deadline;
    rest_as_spare(c, rung, until);
    // Who was rung for is relied on, even if its patience ends at the same moment.
    const bool rung_for = !unlist(c);
    if (too_many && !rung_for && now() >= until && may_end(c)) return false;
  }
}

}  // namespace conc::detail
