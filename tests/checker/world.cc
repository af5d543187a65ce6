#include "checker/world.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string>

#include "checker/operations.h"
#include "checker/schedule.h"
#include "conc/detail/spin_wait.h"
#include "locks/block_cost.h"
#include "locks/fatal.h"
#include "locks/kernel_task.h"
#include "locks/task.h"
#include "locks/usable_cpus.h"
#include "locks/wake_latency.h"

namespace conc::checker {
namespace {

using detail::task;

struct alignas(64) cell {
  std::byte bytes[sizeof(detail::kernel_task)];
};
std::array<cell, most_threads> cells;

task& task_of(int number) { return *reinterpret_cast<task*>(cells[number].bytes); }

// A user-level thread's side of the port. `resumed` and the hand-over of knowledge stand for what
// the scheduler does by its queues; park_switch.pml is about that.
struct user_side {
  bool resumed;
  knowledge waker;
};
std::array<user_side, most_threads> users;
bool late;

int number_of(const task& t) { return static_cast<int>(t.id) - 1; }

// Sleeps until somebody resumes thread `number`, which is the current one; false if the time is
// over.
bool await_resume(int number, bool may_time_out) {
  own_business mine;
  user_side& me = users[number];
  if (!me.resumed && !sleep_on(&me, may_time_out)) return false;
  me.resumed = false;
  current_knowledge().join_all(me.waker);
  return true;
}

void suspend_user(task& self, detail::publish_fn publish, void* argument, detail::nanos deadline) {
  const std::uint32_t epoch = self.wait_epoch.load(detail::memory_order_relaxed);
  publish(self, argument);
  if (await_resume(number_of(self), deadline != detail::no_deadline)) return;
  if (self.withdraw(self, epoch)) {
    self.token = detail::wake_token::timed_out;
  } else {
    await_resume(number_of(self), false);  // a wake is on its way
  }
}

void resume_user(task& target) noexcept {
  own_business mine;
  user_side& it = users[number_of(target)];
  if (it.resumed) fail("a task was resumed twice");
  it.resumed = true;
  it.waker = current_knowledge();
  current_knowledge().tick();
  wake_from(&it, 1);
}

void yield_any(task&) noexcept { relax(); }

constexpr detail::task_port user_port{suspend_user, resume_user, yield_any};

long do_futex(std::uint32_t* word, int operation, std::uint32_t value, const timespec* timeout) {
  own_business mine;
  before_operation();
  const int id = current_memory().find(word, sizeof *word);
  if ((operation & FUTEX_CMD_MASK) == FUTEX_WAKE) {
    note("futex wake", id, value, 0, nullptr);
    return wake_from(word, static_cast<int>(value));
  }
  const auto newest = static_cast<std::uint32_t>(current_memory().newest(id));
  note("futex wait", id, newest, 0, nullptr);
  if (newest != value) {
    errno = EAGAIN;
    return -1;
  }
  if (sleep_on(word, timeout != nullptr)) return 0;
  errno = ETIMEDOUT;
  return -1;
}

}  // namespace

void make_task(int number) {
  std::memset(cells[number].bytes, 0, sizeof cells[number].bytes);
  task* t = ::new (cells[number].bytes) detail::kernel_task;
  t->id = static_cast<std::uint32_t>(number) + 1;
  t->port = &detail::kernel_thread_port;
  users[number] = {};
  if (number == 0) late = false;
}

void become(int number) { detail::set_current_task(&task_of(number)); }

bool is_late() {
  own_business mine;
  if (!late) late = choose(2) == 1;
  return late;
}

void make_user_thread(int number) { task_of(number).port = &user_port; }

}  // namespace conc::checker

namespace conc::detail {

void fatal(const char* what, const void*) noexcept {
  checker::fail(std::string("the library ended the process: ") + what);
}
void fatal(const char* what, const void* object, std::uint32_t) noexcept { fatal(what, object); }

// With one CPU the short locks do not spin before they give way, which is all the same here.
unsigned usable_cpus() noexcept { return 1; }
nanos block_cost() noexcept { return 5'000; }
nanos block_cost_if_known() noexcept { return 5'000; }
nanos wake_latency_if_known() noexcept { return 0; }

void give_way() noexcept { checker::relax(); }
void spin_wait::once() noexcept { give_way(); }

}  // namespace conc::detail

// The system calls of the checked sources. They take the C library's place in these programs.
extern "C" {

// The steady clock stands still, and at some look, or never, all deadlines have passed.
int clock_gettime(clockid_t clock, timespec* t) {
  if (clock != CLOCK_MONOTONIC || !conc::checker::executing()) {
    static const auto original =
        reinterpret_cast<int (*)(clockid_t, timespec*)>(dlsym(RTLD_NEXT, "clock_gettime"));
    return original(clock, t);
  }
  *t = {conc::checker::is_late() ? 1'000'000 : 1, 0};
  return 0;
}

long syscall(long number, ...) noexcept {
  std::va_list list;
  va_start(list, number);
  void* first = va_arg(list, void*);
  const long operation = va_arg(list, long);
  const long value = va_arg(list, long);
  const auto* timeout = va_arg(list, const timespec*);
  va_end(list);
  if (number == SYS_futex) {
    return conc::checker::do_futex(static_cast<std::uint32_t*>(first), static_cast<int>(operation),
                                   static_cast<std::uint32_t>(value), timeout);
  }
  if (number == SYS_membarrier) {
    if (reinterpret_cast<long>(first) == MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
      conc::checker::fence_in_all_threads();
    }
    return 0;
  }
  std::abort();
}

int sched_yield() noexcept {
  conc::checker::relax();
  return 0;
}

int nanosleep(const timespec*, timespec*) {
  conc::checker::relax();
  return 0;
}
}
