// The scheduler's own loop, on each carrier's own stack: what is due first, then the next thread.
#include <algorithm>
#include <iterator>

#include "sched/scheduler.h"

namespace conc::detail {

void scheduler::service(carrier& c) noexcept {
  processor& p = *c.proc;
  const nanos time = now();
  // The next service point: when about service_interval will have passed, judging by the threads
  // that ran since the last one; after most_dispatches at the latest.
  const std::uint32_t done = p.dispatches_granted - p.dispatches_left;
  const nanos each = (time - p.last_service) / std::max(done, std::uint32_t{1});
  p.dispatches_granted = static_cast<std::uint32_t>(std::clamp<nanos>(
      processor::service_interval / std::max<nanos>(each, 1), 2, processor::most_dispatches));
  p.dispatches_left = p.dispatches_granted;
  p.last_service = time;

  if (c.io != nullptr) c.io->poll();
  expired_wait late[32];
  std::size_t n;
  do {
    n = p.deadlines.expire(time, late, std::size(late));
    for (std::size_t i = 0; i < n; ++i) {
      tcb& t = *late[i].thread;
      if (!late[i].withdraw(t, late[i].epoch)) continue;  // somebody woke it in time
      t.token = wake_token::timed_out;
      t.state.store(task_state::ready, memory_order_relaxed);
      p.make_ready_last(t);
    }
  } while (n == std::size(late));
}

tcb* scheduler::take_own(carrier& c) noexcept {
  processor& p = *c.proc;
  if (p.dispatches_left <= 1) service(c);
  if (tcb* t = p.empty_inbox(); t != nullptr) {
    p.queue.enter();
    while (t != nullptr) {
      tcb* next = t->next_ready;
      p.queue.push_back(*t);
      t = next;
    }
    p.queue.leave();
  }
  p.queue.enter();
  tcb* t = p.take_in_section();
  p.queue.leave();
  return t;
}

tcb* scheduler::next_thread(carrier& c) noexcept {
  processor& p = *c.proc;
  bool searching = false;
  bool slept = false;
  for (;;) {
    tcb* t = take_own(c);
    if (t == nullptr) {
      service(c);
      t = take_own(c);
    }
    if (t == nullptr) {
      if (ending.load(memory_order_seq_cst)) end_if_quiescent();
      if (ended.load(memory_order_seq_cst)) {
        if (searching) searchers.fetch_sub(1, memory_order_seq_cst);
        return nullptr;
      }
      if (!searching) searchers.fetch_add(1, memory_order_seq_cst);
      searching = true;
      // After a sleep also for what lies forgotten: it may have been ours to watch.
      if (slept) t = steal(p, true);
      if (t == nullptr) t = search(c);
    }
    if (t != nullptr) {
      if (searching || slept) leave_search(searching);
      // What this visit has made ready beyond the one that runs now (see make_ready_here()).
      if (p.ready_threads() > 0) work_appeared(p);
      return t;
    }
    if (p.looks_empty()) {
      sleep(c, searching);
      slept = true;
    }
  }
}

}  // namespace conc::detail
