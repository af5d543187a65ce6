// The scheduler's own loop, on each carrier's own stack: what is due first, then the next thread.
#include <algorithm>
#include <iterator>

#include "locks/block_cost.h"
#include "sched/scheduler.h"

namespace conc::detail {
namespace {

// Sharing pays if the other processor saves more than its wake costs us and it: half of what is
// queued is run there, and a wake costs the one who calls about C and the other some of them until
// it is here and has what it needs in its cache.
constexpr nanos worth_in_block_costs = 8;
constexpr nanos most_worth_sharing = 4096;

// A processor that is busy, too, helps others with their completions so often.
constexpr nanos help_interval = 500'000;

}  // namespace

void processor::judge_dispatches(nanos time) noexcept {
  coarse_time = coarse_ticks(time);
  const std::uint64_t n = dispatches_by_holder() - dispatches_judged;
  const nanos span = time - last_checkpoint;
  const nanos pays_from = home.sharing_pays_from.load(memory_order_relaxed);
  if (n < checkpoint_every && span < pays_from) return;  // too little to judge by
  const nanos each = std::max<nanos>(span / static_cast<nanos>(std::max<std::uint64_t>(n, 1)), 1);
  worth_sharing.store(
      static_cast<std::uint32_t>(std::clamp<nanos>(pays_from / each, 1, most_worth_sharing)),
      memory_order_relaxed);
  judge_from(time);
}

void processor::judge_from(nanos time) noexcept {
  dispatches_judged = dispatches_by_holder();
  last_checkpoint = time;
  coarse_time = coarse_ticks(time);
}

std::uint64_t processor::dispatches() const noexcept {
  // Two words that change one after the other: a reader elsewhere looks again if it seems to have
  // looked in between, but not for ever.
  std::uint32_t left = until_checkpoint.read();
  std::uint64_t before = dispatches_before.read();
  for (int looks = 0; looks < 8; ++looks) {
    const std::uint32_t again = until_checkpoint.read();
    if (again != 0 && again <= left) break;
    left = again;
    before = dispatches_before.read();
  }
  return before + checkpoint_every - left;
}

bool processor::wants_service(nanos time) const noexcept {
  return deadlines.are_due(time) || time - last_service >= service_interval;
}

bool processor::checkpoint() noexcept {
  dispatches_before.add(checkpoint_every);
  until_checkpoint.set(checkpoint_every);
  const nanos time = now();
  judge_dispatches(time);
  load.note(time, ready_threads());
  return wants_service(time);
}

void scheduler::service(carrier& c, poller::then next) noexcept {
  processor& p = *c.proc;
  const nanos time = now();
  sharing_pays_from.store(worth_in_block_costs * block_cost_if_known(), memory_order_relaxed);
  p.judge_dispatches(time);
  p.last_service = time;

  trim_stacks_if_due(time);
  if (poller* io = c.io.load(memory_order_relaxed); io != nullptr) io->poll(next);
  if (layout == queue_layout::per_cpu_migrating) rebalance(time);
  end_expired_waits(p.deadlines, p, time, timers::by::its_carrier);
  if (p.load.is_busy()) p.load.note_jump(p.ready_threads());
  // With nobody idle there is no watch.
  if (sleepers.load(memory_order_relaxed) == 0 && time - c.helped_last > help_interval) {
    fetch_withheld(c, time);
  }
}

// Ends the waits in `from` that have come to their deadline; their threads become ready at `p`.
void scheduler::end_expired_waits(timers& from, processor& p, nanos time, timers::by who) noexcept {
  expired_wait late[32];
  std::size_t n;
  do {
    n = from.expire(time, late, std::size(late), who);
    for (std::size_t i = 0; i < n; ++i) {
      tcb& t = *late[i].thread;
      if (!late[i].withdraw(t, late[i].epoch)) continue;  // somebody woke it in time
      t.token = wake_token::timed_out;
      t.state.store(task_state::ready, memory_order_relaxed);
      p.wakes.increment();
      if (steals()) {
        if (t.host != &p) p.migrations.increment();
        p.make_ready_last(t);
      } else {
        place(t);
      }
    }
  } while (n == std::size(late));
}

tcb* scheduler::take_own(carrier& c) noexcept {
  processor& p = *c.proc;
  p.queue.answer_mail();
  if (tcb* posted = p.empty_inbox(); posted != nullptr) {
    const std::uint32_t n = p.adopt(posted);
    if (!steals()) p.posted.fetch_sub(n, memory_order_relaxed);
  }
  p.queue.enter();
  tcb* t = p.take_in_section();
  p.queue.leave();
  if (t == nullptr && layout == queue_layout::global) {
    t = shared.pop();
    if (t != nullptr) t->host = &p;
  }
  return t;
}

tcb* scheduler::next_thread(carrier& c) noexcept {
  processor& p = *c.proc;
  bool searching = false;
  bool slept = false;
  if (p.wants_service(now())) {
    service(c, p.looks_empty() ? poller::then::may_wait : poller::then::goes_on);
  }
  for (;;) {
    tcb* t = take_own(c);
    if (t == nullptr) {
      service(c, poller::then::may_wait);
      t = take_own(c);
    }
    if (t == nullptr) {
      if (ending.load(memory_order_seq_cst)) end_if_quiescent();
      if (ended.load(memory_order_seq_cst)) {
        if (searching) searchers.fetch_sub(1, memory_order_seq_cst);
        return nullptr;
      }
      const nanos since = now();
      if (p.load.is_busy()) p.load.begin_idling(since);
      // Whom nobody called has slept out its time on watch: it looks once, also for what lies
      // forgotten, and does not stand about in the others' cache lines.
      const bool called = searching;
      if (!searching) searchers.fetch_add(1, memory_order_seq_cst);
      searching = true;
      if (slept) {
        expire_overdue(p, since);
        fetch_withheld(c, since);
        t = p.looks_empty() ? steal(p, true) : take_own(c);
      }
      if (t == nullptr && (called || !slept)) t = search(c);
      p.load.note_search(since, now());
    }
    if (t != nullptr) {
      if (searching || slept) {
        p.judge_from(now());  // not by the time without work
        go_to_work(p, searching);
      }
      if (!p.load.is_busy()) p.load.begin_work(now(), p.ready_threads());
      // What this visit has made ready beyond the one that runs now.
      if (p.ready_threads() > 0 && wants_help(p)) call_for_help(p);
      return t;
    }
    if (p.looks_empty()) {
      sleep(c, searching);
      slept = true;
    }
  }
}

}  // namespace conc::detail
