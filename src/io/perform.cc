#include "io/perform.h"

#include <liburing.h>

#include <cerrno>
#include <new>
#include <optional>

#include "conc/detail/spin_wait.h"
#include "conc/runtime.h"
#include "io/attempt.h"
#include "io/direct_transfers.h"
#include "io/emulation.h"
#include "io/engine.h"
#include "io/epoll_set.h"
#include "io/section.h"
#include "locks/fork.h"
#include "locks/mutants.h"
#include "sched/scheduler.h"

namespace conc::detail {
namespace {

// What a stop token calls, on whatever thread asks for the stop. It must not suspend: the standard
// library's stop state remembers the kernel thread that it runs on.
struct engine_stop {
  stop_request* record;
  void operator()() const noexcept {
    record->own();
    record->home.post(*record);
  }
};

// A blocking call in the kernel's worker threads is called off by a signal, and not every opcode
// translates what the kernel says inside after that (512 to 516).
bool was_interrupted(int result) noexcept {
  return result == -EINTR || (result <= -512 && result >= -516);
}

// One operation on the engine of the carrier that the calling thread runs on. On the way back the
// thread may be on another: nothing of the first carrier's may be touched then.
outcome run_on(engine& own, carrier& here, const request& r, bool must_wait,
               const io::options& how) noexcept {
  task& self = current_task();
  scheduler& home = here.home;
  const nanos deadline = how.deadline.nanos();
  const std::stop_token& stop = how.stop;
  operation op(own, self, r, must_wait);
  std::optional<std::stop_callback<engine_stop>> on_stop;
  if (stop.stop_possible()) {
    op.stop = new (std::nothrow) stop_request(own, op);
    if (op.stop == nullptr) return {-ENOMEM};
    on_stop.emplace(stop, engine_stop{op.stop});
  }
  stop_request* const record = op.stop;
  own.is_leaving(self);
  own.start(op);
  self.waits_for.store(wait_kind::io, memory_order_relaxed);
  self.wait_address.store(reinterpret_cast<void*>(std::intptr_t{r.fd}), memory_order_relaxed);
  if (deadline != no_deadline) here.proc->deadlines.arm(op.timer, deadline);
  suspend(self, engine::has_left, &own);

  if (deadline != no_deadline) home.processors[op.timer.heap_owner]->deadlines.disarm(op.timer);
  if (record != nullptr) {
    on_stop.reset();  // the callback has returned or will not come
    record->disown();
  }
  if (op.why != gave_up::no && (op.result == -ECANCELED || was_interrupted(op.result))) {
    return {op.why == gave_up::at_deadline ? -ETIMEDOUT : -ECANCELED};
  }
  return {was_interrupted(op.result) ? -EINTR : op.result};
}

// For a user-level thread. `tried`: what an attempt at the request has just said, or 0.
outcome run_here(const request& r, int tried, const io::options& how) noexcept {
  carrier& here = *carrier_of(current_task());
  int error = 0;
  engine* const own = engine::of(here, error);
  if (own == nullptr) return {-error, true};
  return own->takes_all() || r.opcode == IORING_OP_POLL_ADD
             ? run_on(*own, here, r, tried == -EAGAIN, how)
             : emulate(r, tried, how);
}

// The same for a kernel thread, which has no engine: it waits for a thread that has.
outcome run_elsewhere(const request& r, int tried, const io::options& how) noexcept {
  try {
    return runtime::current().run([&] { return run_here(r, tried, how); });
  } catch (const std::system_error& e) {
    return {-e.code().value()};
  } catch (...) {
    return {-ENOMEM};
  }
}

bool is_limited(const io::options& how) noexcept {
  return how.deadline.nanos() != no_deadline || how.stop.stop_possible();
}

outcome run_waiting(const request& r, int tried, const io::options& how) noexcept {
  check_not_forked();
  if (is_user_thread(current_task())) return run_here(r, tried, how);
  return is_limited(how) ? run_elsewhere(r, tried, how) : outcome{block_on(r)};
}

bool needs_waiting(int result) noexcept {
  return result == -EAGAIN || result == -EOPNOTSUPP || result == -EINTR;
}

bool receives(const request& r) noexcept {
  return r.opcode == IORING_OP_RECV || r.opcode == IORING_OP_RECVMSG;
}

// As attempt(), for calls that will wait: makes none where it would most likely find nothing. Who
// answers questions on a connection finds it empty nearly every time that it asks for the next one:
// its peer has not even had the answer yet. An attempt costs about a twentieth of an echo: one in
// sixteen is not to be seen. The engine, too, takes what is there.
int attempt_if_wise(const request& r) noexcept {
  carrier* c = receives(r) ? current_carrier() : nullptr;
  if (c == nullptr) return attempt(r);
  if (c->quiet.recalls(r.fd)) return -EAGAIN;
  const int done = attempt(r);
  if (done == -EAGAIN) c->quiet.note(r.fd);
  return done;
}

// Whether the disk would keep the whole processor waiting during an attempt.
bool goes_past_the_cache(const request& r) noexcept {
  if (!is_of_whole_sectors(r) || !CONC_STEP(io_ask_for_o_direct)) return false;
  carrier* c = current_carrier();
  if (c == nullptr) return false;  // a kernel thread keeps nobody waiting
  if (c->cached.recalls(r.fd)) return false;
  if (has_o_direct(r.fd)) return true;
  c->cached.note(r.fd);
  return false;
}

// At the file's own position, which a ring leaves where it was if the disk answers later.
outcome past_the_cache_here(const request& r, const io::options& how) noexcept {
  if (const int late = too_late(how); late < 0) return {late};
  return in_section([&] { return block_on(r); });
}

request poll_of(int fd, std::uint32_t events) noexcept {
  request r;
  r.opcode = IORING_OP_POLL_ADD;
  r.fd = fd;
  r.operation_flags = events;
  return r;
}

// Ready, or in error.
bool is_ready(int fd, std::uint32_t events) noexcept {
  const request r = poll_of(fd, events);
  int seen;
  do {
    seen = attempt(r);
  } while (seen == -EINTR);
  return seen != -EAGAIN;
}

}  // namespace

outcome wait_for(int fd, std::uint32_t events, const io::options& how) noexcept {
  const request r = poll_of(fd, events);
  outcome o;
  do {
    o = run_waiting(r, -EAGAIN, how);
  } while (o.is(EINTR));
  return o;
}

outcome wait_until_ready(int fd, std::uint32_t events, const io::options& how,
                         bool looked) noexcept {
  if (!looked && is_ready(fd, events)) return {0};
  const outcome o = wait_for(fd, events, how);
  if (o.is(ETIMEDOUT) && is_ready(fd, events)) return {0};
  return o;
}

// After so many of them in a row, by whatever threads of the carrier.
void give_way_sometimes() noexcept {
  constexpr std::uint32_t most_direct_calls = 64;
  carrier* c = current_carrier();
  if (c != nullptr && ++c->direct_calls % most_direct_calls == 0) give_way();
}

outcome perform(const request& r, manner m, const io::options& how) noexcept {
  // A system call follows in any case, beside which this is nothing.
  check_not_forked();
  if (how.stop.stop_requested()) return {-ECANCELED};
  // The blocking system call of a kernel thread is an attempt itself.
  const bool calls = !is_limited(how) && !is_user_thread(current_task());
  if (calls) m.try_first = false;
  const bool direct = m.try_first && goes_past_the_cache(r);
  if (direct) m.try_first = false;
  for (bool first = true;; first = false) {
    int tried = direct ? -EAGAIN : 0;
    if (m.try_first) {
      tried = first && m.retry_after != 0 ? attempt_if_wise(r) : attempt(r);
      if (!needs_waiting(tried) || (tried == -EAGAIN && m.retry_after == 0)) {
        give_way_sometimes();
        return {tried};
      }
    }
    // Asked of the descriptor itself: a wrong guess would cost more than time here.
    if (!calls && moves_the_position(r) && (direct || has_o_direct(r.fd)) &&
        CONC_STEP(io_move_the_position)) {
      return past_the_cache_here(r, how);
    }
    outcome o = run_waiting(r, tried, how);
    if (o.is(EAGAIN) && m.retry_after != 0) {
      o = wait_for(r.fd, m.retry_after, how);
      if (o.value >= 0) continue;
    }
    // What came between the deadline and the kernel's hearing of it came in time: the kernel may
    // have called an operation off that it could have finished.
    if (o.is(ETIMEDOUT) && m.try_first) {
      const int done = attempt(r);
      return needs_waiting(done) ? o : outcome{done};
    }
    if (!o.is(EINTR)) return o;
  }
}

void before_closing(int fd) noexcept {
  check_not_forked();  // a ring's memory is the parent's alone
  epoll_set::closing(fd);
  carrier* c = current_carrier();
  if (c == nullptr) return;
  c->cached.forget(fd);
  if (poller* io = c->io.load(memory_order_relaxed); io != nullptr) {
    static_cast<engine*>(io)->flush();
  }
}

}  // namespace conc::detail
