#include "conc/runtime.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <system_error>

#include "conc/mutex.h"
#include "sched/dump.h"
#include "sched/environment.h"
#include "sched/scheduler.h"

namespace conc {

using namespace detail;

namespace {

// The default runtime: made at its first use, never destroyed, so that threads that outlive main()
// do no harm.
struct default_runtime {
  conc::mutex lock;
  runtime_options options;
  atomic<runtime*> made{nullptr};
};

default_runtime& the_default() noexcept {
  static default_runtime* const d = new default_runtime;
  return *d;
}

runtime& make_default() {
  default_runtime& d = the_default();
  const std::lock_guard guard(d.lock);
  runtime* r = d.made.load(memory_order_relaxed);
  if (r == nullptr) {
    r = new runtime(d.options);
    // [default_runtime] release: pairs with the acquire in runtime::current().
    d.made.store(r, memory_order_release);
  }
  return *r;
}

}  // namespace

runtime::runtime(runtime_options options) try
    : impl_(std::make_unique<scheduler>(*this, resolved(std::move(options)))) {
} catch (const std::bad_alloc&) {
  throw std::system_error(std::make_error_code(std::errc::not_enough_memory),
                          "conc: no memory for a runtime");
}

runtime::~runtime() = default;

runtime& runtime::current() {
  if (const task_head* self = current_or_null(); self != nullptr) {
    const task& t = static_cast<const task&>(*self);
    if (t.is_thread) return static_cast<const tcb&>(t).home->face;
  }
  // [default_runtime] acquire: pairs with the release in make_default().
  runtime* r = the_default().made.load(memory_order_acquire);
  return r != nullptr ? *r : make_default();
}

void runtime::configure_default(runtime_options options) {
  default_runtime& d = the_default();
  const std::lock_guard guard(d.lock);
  if (d.made.load(memory_order_relaxed) != nullptr) {
    throw std::system_error(std::make_error_code(std::errc::operation_not_permitted),
                            "conc: the default runtime is already running");
  }
  resolved(options);  // so that a mistake is reported here
  d.options = std::move(options);
}

unsigned runtime::processors() const noexcept {
  return static_cast<unsigned>(impl_->processors.size());
}

runtime_stats runtime::stats() const {
  runtime_stats all;
  const nanos time = now();
  double area = 0;  // under "threads in the system", in nanoseconds
  std::uint64_t left = 0;
  all.spawned = impl_->spawned_outside.load(memory_order_relaxed);
  all.kernel_threads = impl_->carriers_alive.load(memory_order_relaxed);
  all.blocking_sections = impl_->loans.sections.load(memory_order_relaxed);
  all.rebalanced = impl_->rebalanced.load(memory_order_relaxed);
  all.blocking_handovers = impl_->loans.taken_over.load(memory_order_relaxed);
  for (const auto& owned : impl_->processors) {
    const processor& p = *owned;
    processor_stats s;
    s.dispatches = p.dispatches();
    s.spawned = p.spawned.read();
    s.finished = p.finished.read();
    s.yields = p.yields();
    s.parks = p.parks.read();
    s.wakes = p.wakes.read() + p.outside_wakes.load(memory_order_relaxed);
    s.steals = p.steals.read();
    s.stolen_threads = p.stolen_threads.read();
    s.migrations = p.migrations.read();
    s.ready = p.ready_threads();
    const load_record::reading load = p.load.read(time, s.ready);
    s.running = std::chrono::nanoseconds(load.running);
    s.searching = std::chrono::nanoseconds(load.searching);
    area += static_cast<double>(load.running) + load.waited;
    left += s.parks + s.finished;
    all.spawned += s.spawned;
    all.finished += s.finished;
    all.processors.push_back(s);
  }
  const double age = static_cast<double>(std::max<nanos>(time - impl_->begun, 1));
  all.mean_in_system = area / age;
  all.departures_per_second = static_cast<double>(left) / age * 1e9;
  if (left != 0) {
    all.mean_time_in_system =
        std::chrono::nanoseconds(static_cast<nanos>(area / static_cast<double>(left)));
  }
  return all;
}

void runtime::dump(std::ostream& out) const {
  scheduler* const one = impl_.get();
  detail::dump(out, {&one, 1});
}

scheduler& detail::current_scheduler() { return *runtime::current().impl_; }

}  // namespace conc
