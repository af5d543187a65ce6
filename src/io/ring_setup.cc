// Making a ring, down a ladder of ever more modest wishes, and unmaking it.
#include <cerrno>
#include <new>

#include "io/ring.h"
#include "locks/immortal.h"
#include "locks/internal_lock.h"

// Younger than the headers that we build with; a kernel that does not know it does not announce it.
#ifndef IORING_FEAT_NO_IOWAIT
#define IORING_FEAT_NO_IOWAIT (1U << 17)
#define IORING_ENTER_NO_IOWAIT (1U << 7)
#endif

namespace conc::detail {
namespace {

// The rings' memory counts against RLIMIT_MEMLOCK, which all processes of a user share, so they are
// small. That costs nothing: entries are submitted at 16, and a full completion queue makes the
// kernel keep the rest for us (FEAT_NODROP).
constexpr unsigned most_entries = 128, least_entries = 16, completions_per_entry = 4;

// Nothing works without these (Linux 5.11).
constexpr unsigned needed_features =
    IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;

unsigned flags_of(ring::mode m) noexcept {
  switch (m) {
    case ring::mode::deferred:  // Linux 6.1
      return IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
             IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL;
    case ring::mode::cooperative:  // Linux 5.19
      return IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL;
    case ring::mode::plain:
      break;
  }
  return 0;
}

// One attempt at a time, and with the unmaking of what did not work or has done its work: the next
// ring gets the same addresses, and the library that unmaps them tells ThreadSanitizer nothing.
constinit immortal<internal_lock> making;

}  // namespace

atomic<ring::mode> ring::first_mode{ring::mode::deferred};

std::unique_ptr<ring> ring::make(int& error) noexcept {
  std::unique_ptr<ring> made(new (std::nothrow) ring);
  error = made == nullptr ? ENOMEM : made->reopen();
  if (error != 0) return nullptr;
  return made;
}

int ring::reopen() noexcept {
  const internal_lock_guard guard(making.object);
  for (mode m = first_mode.load(memory_order_relaxed);;
       m = static_cast<mode>(static_cast<unsigned>(m) + 1)) {
    int error = set_up(m);
    if (error == 0) error = try_out();
    if (error == 0) return 0;
    unmake();
    if (error != EINVAL || m == mode::plain) return error;
  }
}

void ring::close() noexcept {
  const internal_lock_guard guard(making.object);
  unmake();
}

// All that was true of this ring alone; the doorbell stays, for those who are late to ring it.
void ring::unmake() noexcept {
  if (!made_) return;
  io_uring_queue_exit(&uring_);
  made_ = false;
  uring_ = {};
  flag_is_stale_ = doorbell_watched_ = bell_heard_ = false;
  may_hold_files_.store(false, memory_order_relaxed);
  vain_calls_ = calls_to_leave_out_ = 0;
  enter_flags_ = 0;
}

// Returns an errno value, or 0.
int ring::set_up(mode m) noexcept {
  io_uring_params p{};
  int error = -ENOMEM;
  for (unsigned entries = most_entries; error == -ENOMEM && entries >= least_entries;
       entries /= 2) {
    p = {};
    p.flags = flags_of(m) | IORING_SETUP_CQSIZE;
    p.cq_entries = entries * completions_per_entry;
    error = io_uring_queue_init_params(entries, &uring_, &p);
  }
  if (error < 0) return -error;
  made_ = true;
  polls_first_ = m != mode::plain;  // Linux 5.19, too
  if ((p.features & needed_features) != needed_features) return EOPNOTSUPP;
  if (p.features & IORING_FEAT_NO_IOWAIT) enter_flags_ |= IORING_ENTER_NO_IOWAIT;
  // A child of fork() must not submit in its parent's name.
  if (error = io_uring_ring_dontfork(&uring_); error < 0) return -error;
  // Entries are used in order, so the queue's indirection says so once and for all.
  for (unsigned i = 0; i < uring_.sq.ring_entries; ++i) uring_.sq.array[i] = i;
  tail_ = *uring_.sq.ktail;
  return make_doorbell();
}

// Sends an operation around, and has the doorbell watched. Returns an errno value, or 0.
int ring::try_out() noexcept {
  io_uring_sqe* nop = next_entry();
  nop->opcode = IORING_OP_NOP;
  watch_doorbell();
  const unsigned sent = unsubmitted();
  const int entered = enter(1, IORING_ENTER_GETEVENTS, nullptr);
  if (entered < 0) return -entered;
  if (static_cast<unsigned>(entered) != sent || reap(by::owner) == 0) return EOPNOTSUPP;
  return 0;
}

ring::~ring() { unmake(); }

}  // namespace conc::detail
