#include "io/ring.h"

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "locks/fatal.h"
#include "locks/mutants.h"

namespace conc::detail {
namespace {

// What user_data holds if it is not an operation's address.
constexpr std::uint64_t nobody = 0, of_doorbell = 1;

}  // namespace

// --- submitting ---------------------------------------------------------------------------------

unsigned ring::unsubmitted() const noexcept {
  // [ring.sq_head] acquire: pairs with the kernel, which has read an entry before it moves on.
  return tail_ - io_uring_smp_load_acquire(uring_.sq.khead);
}

unsigned ring::kernel_flags() const noexcept { return IO_URING_READ_ONCE(*uring_.sq.kflags); }

void ring::entries_are_filled() noexcept {
  // [ring.filled] release: for a signal handler on this kernel thread, bring_in(), and for help().
  filled_.store(tail_, memory_order_release);
}

// A cleared entry, or null if the queue is full and the kernel does not take any just now.
io_uring_sqe* ring::next_entry() noexcept {
  if (unsubmitted() == uring_.sq.ring_entries) {
    flush();
    if (unsubmitted() == uring_.sq.ring_entries) return nullptr;
  }
  io_uring_sqe* e = &uring_.sq.sqes[tail_++ & uring_.sq.ring_mask];
  *e = {};
  return e;
}

// Hands over what is there and does as the flags say. Returns the number of entries taken or the
// negative of an errno value, of which callers need only know that the loop they are in goes on.
int ring::enter(unsigned completions, unsigned flags,
                const io_uring_getevents_arg* limit) noexcept {
  const unsigned count = unsubmitted();
  entries_are_filled();
  // [ring.sq_tail] release: pairs with the kernel's acquire; the entries are filled before.
  io_uring_smp_store_release(uring_.sq.ktail, tail_);
  // The kernel's interface puts a time limit where otherwise a signal mask goes.
  auto* argument = const_cast<sigset_t*>(reinterpret_cast<const sigset_t*>(limit));
  const int done = io_uring_enter2(static_cast<unsigned>(uring_.ring_fd), count, completions, flags,
                                   argument, limit != nullptr ? sizeof *limit : _NSIG / 8);
  return done;
}

namespace {

// What enter() may report while all is well: interrupted, out of time, or short of memory for the
// moment; what was not taken stays in the queue. Anything else means that the ring has died under
// us (a seccomp filter that came later, say), and the threads that wait on it would wait for ever.
void expect_alive(int entered) noexcept {
  if (entered >= 0) return;
  switch (-entered) {
    case EINTR:
    case ETIME:
    case EAGAIN:
    case EBUSY:
    case ENOMEM:
      return;
    case EPERM:
    case EACCES:
    case ENOSYS:
      fatal("io_uring was forbidden while operations run");
    default:
      fatal("io_uring_enter fails");
  }
}

}  // namespace

void ring::flush() noexcept {
  if (unsubmitted() != 0) expect_alive(enter(0, 0, nullptr));
}

namespace {

bool moves_messages(std::uint8_t opcode) noexcept {
  switch (opcode) {
    case IORING_OP_RECV:
    case IORING_OP_SEND:
    case IORING_OP_RECVMSG:
    case IORING_OP_SENDMSG:
      return true;
    default:
      return false;
  }
}

// For files that can be polled the kernel waits without a thread; but READ says not of what.
bool may_take_a_worker(std::uint8_t opcode) noexcept {
  switch (opcode) {
    case IORING_OP_POLL_ADD:
    case IORING_OP_ACCEPT:
    case IORING_OP_OPENAT:  // has no file yet
    case waitid_opcode:
      return false;
    default:
      return !moves_messages(opcode);
  }
}

}  // namespace

void ring::start(operation& op) noexcept {
  io_uring_sqe* e = next_entry();
  while (e == nullptr) {  // the kernel is short of memory: others must free some
    sched_yield();
    e = next_entry();
  }
  e->opcode = op.what.opcode;
  e->flags = op.what.flags;
  e->fd = op.what.fd;
  e->addr = reinterpret_cast<std::uintptr_t>(op.what.address);
  e->len = op.what.length;
  e->off = op.what.offset;
  e->rw_flags = static_cast<int>(op.what.operation_flags);
  e->splice_fd_in = op.what.second_fd;
  if (op.expects_wait && polls_first_ && moves_messages(op.what.opcode)) {
    e->ioprio = IORING_RECVSEND_POLL_FIRST;
  }
  e->user_data = reinterpret_cast<std::uintptr_t>(&op);
  if (may_take_a_worker(op.what.opcode) && CONC_STEP(io_stay_for_files)) {
    may_hold_files_.store(true, memory_order_relaxed);
  }
  started();
  entries_are_filled();
  if (unsubmitted() >= batch_size) flush();
}

// --- cancelling ---------------------------------------------------------------------------------

// Entries are taken in order: the operation's own is before this one, and the next operation that
// happens to have the same address comes after. So the cancellation means the one or none.
// False if the kernel takes no entries just now; the list keeps the rest.
bool ring::submit_cancel() noexcept {
  io_uring_sqe* e = next_entry();
  if (e == nullptr) return false;
  e->opcode = IORING_OP_ASYNC_CANCEL;
  e->fd = -1;
  e->addr = reinterpret_cast<std::uintptr_t>(next_to_cancel());
  e->user_data = nobody;
  return true;
}

// --- the doorbell -------------------------------------------------------------------------------

void ring::watch_doorbell() noexcept {
  io_uring_sqe* e = next_entry();
  if (e == nullptr) return;  // the next poll() tries again
  e->opcode = IORING_OP_POLL_ADD;
  e->fd = doorbell();
  e->poll32_events = POLLIN;
  e->len = one_shot_doorbell_ ? 0 : IORING_POLL_ADD_MULTI;
  e->user_data = of_doorbell;
  doorbell_watched_ = true;
}

// --- completing ---------------------------------------------------------------------------------

// Moves wishes into the submission queue.
void ring::prepare() noexcept {
  empty_mailbox();
  while (has_cancels() && submit_cancel()) {
  }
  if (!doorbell_watched_) watch_doorbell();
}

void ring::complete(std::uint64_t user_data, int result, std::uint32_t flags) noexcept {
  if (user_data == nobody) return;  // a cancellation's own answer says nothing that we need
  if (user_data == of_doorbell) {
    // A multishot poll goes on only while the kernel says so.
    if (!(flags & IORING_CQE_F_MORE)) doorbell_watched_ = false;
    if (result == -EINVAL) one_shot_doorbell_ = true;  // before Linux 5.13
    silence_doorbell();
    return;
  }
  finish(*reinterpret_cast<operation*>(user_data), result);
}

bool ring::has_completions() const noexcept {
  // [ring.cq_tail] acquire: as in reap(); a look is all that is wanted here.
  return io_uring_smp_load_acquire(uring_.cq.ktail) != IO_URING_READ_ONCE(*uring_.cq.khead);
}

// Under finishing_.
unsigned ring::reap(by whom) noexcept {
  unsigned head = *uring_.cq.khead;
  unsigned reaped = 0;
  // [ring.cq_tail] acquire: pairs with the kernel's release; the entries were filled before.
  while (head != io_uring_smp_load_acquire(uring_.cq.ktail)) {
    const io_uring_cqe e = uring_.cq.cqes[head & uring_.cq.ring_mask];
    if (whom == by::helper && e.user_data != nobody && e.user_data != of_doorbell &&
        !may_finish(*reinterpret_cast<const operation*>(e.user_data))) {
      break;
    }
    ++head;
    // [ring.cq_head] release: pairs with the kernel's acquire; the entry may be used again.
    io_uring_smp_store_release(uring_.cq.khead, head);
    if (whom == by::helper && e.user_data == of_doorbell) bell_heard_ = true;
    complete(e.user_data, e.res, e.flags);
    ++reaped;
  }
  return reaped;
}

void ring::poll(then next) noexcept {
  const internal_lock_guard guard(finishing_);
  look(next);
  note_visit();
}

void ring::look(then next) noexcept {
  prepare();
  for (unsigned round = 0; round < most_rounds; ++round) {
    const unsigned waiting = kernel_flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
    if (waiting == 0 && (next == then::may_wait || unsubmitted() == 0)) break;
    expect_alive(enter(0, IORING_ENTER_GETEVENTS, nullptr));
    const unsigned reaped = reap(by::owner);
    // The flag can stay set with nothing behind it. It then no longer keeps the carrier from
    // sleeping: wait() runs whatever comes, flag or no flag.
    flag_is_stale_ = reaped == 0 && (kernel_flags() & IORING_SQ_TASKRUN) != 0;
    if (reaped == 0) break;
  }
  reap(by::owner);
}

bool ring::has_work() const noexcept {
  if (has_completions()) return true;
  if (has_wishes()) return true;
  const unsigned flags = kernel_flags();
  return (flags & IORING_SQ_CQ_OVERFLOW) || ((flags & IORING_SQ_TASKRUN) && !flag_is_stale_);
}

void ring::wait(nanos deadline) noexcept {
  const internal_lock_guard guard(finishing_);
  prepare();
  const nanos time = now();
  // A helper may have heard the bell that was rung for this sleep.
  const bool ready = has_completions() || bell_heard_;
  bell_heard_ = false;
  if (!ready && !has_cancels() && doorbell_watched_ && deadline > time) {
    const timespec relative = to_timespec(deadline - time);
    __kernel_timespec limit{relative.tv_sec, relative.tv_nsec};
    io_uring_getevents_arg argument{};
    argument.sigmask_sz = _NSIG / 8;
    if (deadline != no_deadline) argument.ts = reinterpret_cast<std::uintptr_t>(&limit);
    expect_alive(enter(1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | enter_flags_, &argument));
    flag_is_stale_ = reap(by::owner) == 0;
  }
  look(then::may_wait);
  note_visit();
}

// --- when the owner does not come by ------------------------------------------------------------

bool ring::needs_the_owner() const noexcept {
  // [ring.sq_head] acquire: as in unsubmitted(). [ring.filled] acquire: as in bring_in().
  return io_uring_smp_load_acquire(uring_.sq.khead) != filled_.load(memory_order_acquire) ||
         (kernel_flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

// A call that fetches nothing is not repeated at once, because the flag can be stale.
bool ring::help(nanos since) noexcept {
  if (!has_business() || was_here_after(since) || !finishing_.try_lock()) return false;
  if (!made_) {  // the owner has ended since we found the ring
    finishing_.unlock();
    return false;
  }
  if (CONC_STEP(io_reap_for_others) && reap(by::helper) != 0) vain_calls_ = calls_to_leave_out_ = 0;
  bool calls = needs_the_owner();
  if (calls && calls_to_leave_out_ > 0) {
    --calls_to_leave_out_;
    calls = false;
  } else if (calls) {
    constexpr std::uint32_t most = 6;
    calls_to_leave_out_ = (1U << vain_calls_) - 1;
    if (vain_calls_ < most) ++vain_calls_;
  }
  finishing_.unlock();
  return calls;
}

// Of ours nothing is touched but the kernel's tail, because we may have interrupted whoever touches
// it just now. Entries that are complete the kernel may have at any time: who was about to hand
// them over finds them taken.
void ring::bring_in() noexcept {
  for (unsigned round = 0; round < most_rounds && needs_the_owner(); ++round) {
    const unsigned before = IO_URING_READ_ONCE(*uring_.cq.ktail);
    // [ring.filled] acquire: pairs with the release in entries_are_filled().
    const unsigned filled = filled_.load(memory_order_acquire);
    // [ring.sq_head] acquire: as in unsubmitted().
    const unsigned count = filled - io_uring_smp_load_acquire(uring_.sq.khead);
    // [ring.sq_tail] release: as in enter().
    io_uring_smp_store_release(uring_.sq.ktail, filled);
    io_uring_enter2(static_cast<unsigned>(uring_.ring_fd), count, 0, IORING_ENTER_GETEVENTS,
                    nullptr, _NSIG / 8);
    if (count == 0 && IO_URING_READ_ONCE(*uring_.cq.ktail) == before) return;
  }
}

}  // namespace conc::detail
