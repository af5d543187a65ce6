#include "io/engine.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "io/epoll_set.h"
#include "io/ring.h"
#include "locks/fatal.h"
#include "locks/internal_lock.h"
#include "locks/mutants.h"
#include "sched/carrier.h"
#include "sched/scheduler.h"

namespace conc::detail {
namespace {

// Sandboxes, settings and old kernels; and rings' memory, which counts against a limit. A lack of
// descriptors is none of these: an epoll set needs some as well.
bool refuses_rings(int error) noexcept {
  switch (error) {
    case EPERM:
    case EACCES:
    case ENOSYS:
    case EINVAL:
    case EOPNOTSUPP:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::unique_ptr<engine> engine::make(io_choice choice, int& error) noexcept {
  if (choice != io_choice::epoll) {
    std::unique_ptr<engine> made = ring::make(error);
    if (made != nullptr || choice == io_choice::uring || !refuses_rings(error)) return made;
  }
  return epoll_set::make(error);
}

engine* engine::of(carrier& c, int& error) noexcept {
  poller* io = c.io.load(memory_order_relaxed);
  if (io != nullptr) [[likely]]
    return static_cast<engine*>(io);
  if (c.former_io != nullptr) {
    engine& former = static_cast<engine&>(*c.former_io);
    const internal_lock_guard guard(former.finishing_);
    error = former.reopen();
    if (error != 0) return nullptr;
    io = c.former_io.release();
  } else {
    io = make(c.home.io_engine, error).release();
  }
  // [carrier.io] release: pairs with the acquire of whoever interrupts it.
  c.io.store(io, memory_order_release);
  return static_cast<engine*>(io);
}

// A helper who has finished the last operation may still be here.
void engine::end_with_owner() noexcept {
  const internal_lock_guard guard(finishing_);
  if (in_use()) fatal("a carrier ends with operations in flight", this);
  close();
}

engine::~engine() {
  if (in_use()) fatal("a carrier ends with operations in flight", this);
  empty_mailbox();
  if (doorbell_ >= 0) ::close(doorbell_);
}

// --- ending operations --------------------------------------------------------------------------

void operation::deadline_passed(callback_timer& t) noexcept {
  operation& op = *static_cast<deadline_timer&>(t).owner;
  op.home.cancel(op, gave_up::at_deadline);
}

bool engine::is_mine() const noexcept {
  const carrier* c = current_carrier();
  return c != nullptr && c->io.load(memory_order_relaxed) == this;
}

// The bell is rung under the lock: until then the operation cannot end, and the engine stays.
void engine::cancel(operation& op, gave_up why) noexcept {
  const bool from_outside = !is_mine();
  const internal_lock_guard guard(lock_);
  if (op.done || op.why != gave_up::no) return;
  cancel_locked(op, why);
  if (from_outside) interrupt();
}

void engine::cancel_locked(operation& op, gave_up why) noexcept {
  op.why = why;
  op.to_cancel = true;
  op.next_to_cancel = to_cancel_.load(memory_order_relaxed);
  to_cancel_.store(&op, memory_order_relaxed);
}

operation* engine::next_to_cancel() noexcept {
  const internal_lock_guard guard(lock_);
  operation* op = to_cancel_.load(memory_order_relaxed);
  if (op == nullptr) return nullptr;
  to_cancel_.store(op->next_to_cancel, memory_order_relaxed);
  op->to_cancel = false;
  return op;
}

// Under the lock.
void engine::forget_cancel(operation& op) noexcept {
  operation* before = to_cancel_.load(memory_order_relaxed);
  if (before == &op) {
    to_cancel_.store(op.next_to_cancel, memory_order_relaxed);
    return;
  }
  while (before->next_to_cancel != &op) before = before->next_to_cancel;
  before->next_to_cancel = op.next_to_cancel;
}

void engine::post(stop_request& r) noexcept {
  stop_request* first = mailbox_.load(memory_order_relaxed);
  do {
    r.next = first;
    // [engine.mailbox] release: pairs with the acquire in empty_mailbox().
  } while (!mailbox_.compare_exchange_weak(first, &r, memory_order_release, memory_order_relaxed));
  // Always, because a carrier about to sleep may have looked into the mailbox a moment ago.
  if (CONC_STEP(io_ring_after_post)) interrupt();
}

void engine::empty_mailbox() noexcept {
  if (mailbox_.load(memory_order_relaxed) == nullptr) return;
  // [engine.mailbox] acquire: pairs with the release in post().
  stop_request* r = mailbox_.exchange(nullptr, memory_order_acquire);
  while (r != nullptr) {
    stop_request* next = r->next;
    {
      // A helper may finish the operation meanwhile: the lock decides who was first.
      const internal_lock_guard guard(lock_);
      operation* const op = r->target;
      if (op != nullptr && op->why == gave_up::no) cancel_locked(*op, gave_up::on_request);
    }
    r->disown();
    r = next;
  }
}

void engine::finish(operation& op, int result) noexcept {
  op.result = result;
  {
    const internal_lock_guard guard(lock_);
    op.done = true;
    if (op.to_cancel) forget_cancel(op);
    if (op.stop != nullptr) op.stop->target = nullptr;
  }
  finished_.increment();
  resume(op.waiter);
}

// --- the doorbell -------------------------------------------------------------------------------

int engine::make_doorbell() noexcept {
  if (doorbell_ >= 0) return 0;  // a predecessor's
  doorbell_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return doorbell_ < 0 ? errno : 0;
}

void engine::interrupt() noexcept {
  const int error = errno;  // we may be in a signal handler
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the bell rings already.
  [[maybe_unused]] const auto n = ::write(doorbell_, &one, sizeof one);
  errno = error;
}

void engine::silence_doorbell() noexcept {
  std::uint64_t rings;
  [[maybe_unused]] const auto n = ::read(doorbell_, &rings, sizeof rings);
}

}  // namespace conc::detail
