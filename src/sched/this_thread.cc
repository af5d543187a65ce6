// Where the calling thread runs, and its sleep; what a thread object says of its thread.
#include <cerrno>
#include <ctime>
#include <system_error>

#include "conc/thread.h"
#include "locks/fork.h"
#include "locks/usable_cpus.h"
#include "sched/scheduler.h"
#include "sched/thread_life.h"
#include "threads/join.h"

namespace conc {

using namespace detail;

std::uint64_t detail::current_thread_number() noexcept {
  const task& self = current_task();
  return std::uint64_t{self.generation} << 32 | self.id;
}

void thread::detach() {
  if (made_ == nullptr) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument), "thread::detach");
  }
  tcb& t = *std::exchange(made_, nullptr);
  if (detach_or_reap(t)) recycle(t);
}

thread::id thread::get_id() const noexcept {
  if (made_ == nullptr) return {};
  return id(std::uint64_t{made_->generation} << 32 | made_->id);
}

unsigned thread::hardware_concurrency() noexcept { return usable_cpus(); }

namespace {

processor& processor_of_caller(const char* call) {
  processor* p = current_processor();
  if (p == nullptr) {
    throw std::system_error(std::make_error_code(std::errc::operation_not_permitted), call);
  }
  return *p;
}

// Off its stack, the thread can be posted to the processor that it wants.
void publish_migration(task& from, void* target) noexcept {
  tcb& t = static_cast<tcb&>(from);
  processor& p = *static_cast<processor*>(target);
  current_processor()->migrations.increment();
  t.host = &p;
  if (!p.home.steals()) p.posted.fetch_add(1, memory_order_relaxed);
  p.home.post_to_its_processor(t);
}

}  // namespace

unsigned this_thread::processor() {
  return processor_of_caller("conc::this_thread::processor").index;
}

void this_thread::migrate_to(unsigned number) {
  conc::detail::processor& here = processor_of_caller("conc::this_thread::migrate_to");
  scheduler& home = here.home;
  if (number >= home.processors.size()) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "conc::this_thread::migrate_to: no such processor");
  }
  if (home.layout == queue_layout::global) {
    throw std::system_error(std::make_error_code(std::errc::not_supported),
                            "conc::this_thread::migrate_to with a global queue");
  }
  if (number == here.index) return;
  here.made_way.increment();
  leave_carrier(here, static_cast<tcb&>(current_task()), publish_migration,
                home.processors[number].get());
}

void this_thread::detail::sleep_until_steady(conc::detail::steady_nanos deadline) noexcept {
  task& self = current_task();
  if (!is_user_thread(self)) {
    check_not_forked();
    const timespec until = to_timespec(deadline);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
    return;
  }
  self.wait_epoch.store(self.wait_epoch.load(memory_order_relaxed) + 1, memory_order_relaxed);
  self.wait_address.store(nullptr, memory_order_relaxed);
  self.waits_for.store(wait_kind::sleep, memory_order_relaxed);
  // Nobody but the deadline ends a sleep, so it is always the deadline's to end.
  self.withdraw = [](task& t, std::uint32_t epoch) noexcept {
    return t.wait_epoch.load(memory_order_relaxed) == epoch;
  };
  suspend(
      self, [](task&, void*) noexcept {}, nullptr, deadline);
}

}  // namespace conc
