#include "io/epoll_set.h"

#include <liburing.h>
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "locks/fatal.h"
#include "locks/immortal.h"
#include "locks/mutants.h"

namespace conc::detail {
namespace {

constexpr int of_doorbell = -1;
// What epoll reports whether asked for or not.
constexpr std::uint32_t always = EPOLLERR | EPOLLHUP;

// All sets of the process, for closing().
struct set_list {
  internal_lock lock;
  epoll_set* first = nullptr;
  atomic<unsigned> count{0};
};
constinit immortal<set_list> sets;

}  // namespace

std::unique_ptr<epoll_set> epoll_set::make(int& error) noexcept {
  std::unique_ptr<epoll_set> made(new (std::nothrow) epoll_set);
  error = ENOMEM;
  if (made == nullptr) return nullptr;
  made->set_ = epoll_create1(EPOLL_CLOEXEC);
  error = made->set_ < 0 ? errno : made->make_doorbell();
  if (error != 0) return nullptr;
  epoll_event bell{};
  bell.events = EPOLLIN;
  bell.data.fd = of_doorbell;
  if (epoll_ctl(made->set_, EPOLL_CTL_ADD, made->doorbell(), &bell) < 0) {
    error = errno;
    return nullptr;
  }
  const internal_lock_guard guard(sets.object.lock);
  made->next_set_ = sets.object.first;
  made->link_ = &sets.object.first;
  if (made->next_set_ != nullptr) made->next_set_->link_ = &made->next_set_;
  sets.object.first = made.get();
  sets.object.count.fetch_add(1, memory_order_relaxed);
  return made;
}

epoll_set::~epoll_set() {
  if (link_ != nullptr) {
    const internal_lock_guard guard(sets.object.lock);
    *link_ = next_set_;
    if (next_set_ != nullptr) next_set_->link_ = link_;
    sets.object.count.fetch_sub(1, memory_order_relaxed);
  }
  if (set_ >= 0) ::close(set_);
}

// Most often the descriptor has been waited on before, and its registration is there, spent.
// Returns 0 or the negative of an errno value.
int epoll_set::register_for(int fd, std::uint32_t events) noexcept {
  epoll_event e{};
  e.events = events | EPOLLONESHOT;
  e.data.fd = fd;
  if (epoll_ctl(set_, EPOLL_CTL_MOD, fd, &e) == 0) return 0;
  if (errno == ENOENT && epoll_ctl(set_, EPOLL_CTL_ADD, fd, &e) == 0) return 0;
  return -errno;
}

// On the waiting thread's stack: it must not be resumed before it has left it.
void epoll_set::start(operation& op) noexcept {
  if (op.what.opcode != IORING_OP_POLL_ADD) fatal("an epoll set can only poll", &op);
  started();
  const internal_lock_guard guard(lock_);
  const int error = register_for(op.what.fd, waits_.wanted(op.what.fd) | op.what.operation_flags);
  if (error == 0) {
    waits_.add(op);
  } else {
    op.result = error;
    op.next_on_descriptor = decided_;
    decided_ = &op;
  }
}

void epoll_set::settle() noexcept {
  while (operation* op = decided_) {
    decided_ = op->next_on_descriptor;
    finish(*op, op->result);
  }
}

// The event has been taken from the kernel and cannot be left for later. Only a helper ever waits
// here, for a carrier that is a few instructions away.
void epoll_set::wait_till_it_may_finish(const operation& op) const noexcept {
  while (!may_finish(op)) sched_yield();
}

void epoll_set::finish_all(operation* list, int result) noexcept {
  while (list != nullptr) {
    operation& op = *list;
    list = op.next_on_descriptor;
    wait_till_it_may_finish(op);
    finish(op, result);
  }
}

void epoll_set::fired(int fd, std::uint32_t events) noexcept {
  if (fd == of_doorbell) return silence_doorbell();
  operation* woken = nullptr;
  operation* unwatched = nullptr;
  int error = 0;
  {
    const internal_lock_guard guard(lock_);
    woken = waits_.take(fd, events & always ? ~0U : events);
    if (const std::uint32_t rest = waits_.wanted(fd); rest != 0 && CONC_STEP(io_epoll_renew)) {
      error = register_for(fd, rest);
      if (error != 0) unwatched = waits_.take(fd, ~0U);
    }
  }
  finish_all(unwatched, error);
  while (woken != nullptr) {
    operation& op = *woken;
    woken = op.next_on_descriptor;
    wait_till_it_may_finish(op);
    finish(op, static_cast<int>(events & (op.what.operation_flags | always)));
  }
}

void epoll_set::see_to_wishes() noexcept {
  empty_mailbox();
  if (!has_cancels() && !any_closed_.load(memory_order_relaxed)) return;
  operation* closed = nullptr;
  operation* ended = nullptr;
  {
    const internal_lock_guard guard(lock_);
    closed = closed_;
    closed_ = nullptr;
    any_closed_.store(false, memory_order_relaxed);
    while (operation* op = next_to_cancel()) {
      if (op->closed) continue;  // in the list already
      waits_.remove(*op);
      op->next_on_descriptor = ended;
      ended = op;
    }
  }
  finish_all(closed, -EBADF);  // not ECANCELED: nothing must be tried once more
  finish_all(ended, -ECANCELED);
}

void epoll_set::close_under_waiters(int fd) noexcept {
  {
    const internal_lock_guard guard(lock_);
    operation* taken = waits_.take(fd, ~0U);
    if (taken == nullptr) return;
    while (taken != nullptr) {
      operation* next = taken->next_on_descriptor;
      taken->closed = true;
      taken->next_on_descriptor = closed_;
      closed_ = taken;
      taken = next;
    }
    any_closed_.store(true, memory_order_relaxed);
  }
  // Always: the carrier that is about to sleep finds the bell ringing.
  interrupt();
}

void epoll_set::closing(int fd) noexcept {
  if (sets.object.count.load(memory_order_relaxed) == 0) return;
  const internal_lock_guard guard(sets.object.lock);
  for (epoll_set* s = sets.object.first; s != nullptr; s = s->next_set_) s->close_under_waiters(fd);
}

// At most until `until`. Returns the number of events.
int epoll_set::look(epoll_event* events, nanos until) noexcept {
  const nanos left = until == no_deadline ? no_deadline : std::max<nanos>(until - now(), 0);
  const timespec limit = to_timespec(left == no_deadline ? 0 : left);
  int n = epoll_pwait2(set_, events, most_events, left == no_deadline ? nullptr : &limit, nullptr);
  if (n < 0 && errno == ENOSYS) {  // before Linux 5.11, and in some sandboxes
    constexpr nanos in_a_millisecond = 1'000'000, longest = 1'000'000;
    const int milliseconds =
        left == no_deadline
            ? -1
            : static_cast<int>(
                  std::min(left / in_a_millisecond + (left % in_a_millisecond != 0), longest));
    n = epoll_wait(set_, events, most_events, milliseconds);
  }
  if (n >= 0) return n;
  if (errno != EINTR) fatal("epoll_wait fails");
  return 0;
}

void epoll_set::poll(then) noexcept {
  const internal_lock_guard guard(finishing_);
  poll_locked();
}

// What has come is looked at before what has to be given up: it came in time.
void epoll_set::poll_locked() noexcept {
  settle();
  epoll_event events[most_events];
  int n = most_events;
  for (int i = 0; i < most_looks && n == most_events && in_use(); ++i) {
    n = look(events, 0);
    for (int k = 0; k < n; ++k) fired(events[k].data.fd, events[k].events);
  }
  see_to_wishes();
  note_visit();
}

void epoll_set::wait(nanos deadline) noexcept {
  const internal_lock_guard guard(finishing_);
  if (!has_work()) {
    epoll_event events[most_events];
    const int n = look(events, deadline);
    for (int k = 0; k < n; ++k) fired(events[k].data.fd, events[k].events);
  }
  poll_locked();
}

// The bell rings on for the owner.
bool epoll_set::help(nanos since) noexcept {
  if (!in_use() || was_here_after(since) || !finishing_.try_lock()) return false;
  epoll_event events[most_events];
  const int n = CONC_STEP(io_reap_for_others) ? look(events, 0) : 0;
  for (int k = 0; k < n; ++k) {
    if (events[k].data.fd != of_doorbell) fired(events[k].data.fd, events[k].events);
  }
  finishing_.unlock();
  return false;
}

}  // namespace conc::detail
