// conc::runtime: a set of processors that run user-level threads, and its options.
#ifndef CONC_RUNTIME_H
#define CONC_RUNTIME_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "conc/blocking.h"
#include "conc/config.h"
#include "conc/policy.h"
#include "conc/thread.h"

namespace conc {

// Where ready threads wait for a processor. On each queue they run first in, first out.
enum class queue_layout : std::uint8_t {
  // Each processor has a queue, idle processors take from busy ones: the default, and the fastest.
  stealing,
  // One queue for all: fair among all threads, and every switch takes its lock.
  global,
  // Each processor has a queue. A new thread goes to the shortest, and stays with that processor.
  per_cpu,
  // The same, but every 10 ms threads are moved from the longest queue to the shortest if they
  // differ by more than a quarter of the mean.
  per_cpu_migrating,
};

struct runtime_options {
  // Processors: how many threads run at the same time. 0: the CPUs that this process may use, by
  // affinity and cgroup quota. More than the CPUs is allowed, up to 1024.
  unsigned processors = 0;
  conc::policy policy = {};
  queue_layout queues = {};
  // Preemption. Empty: the library's default, which in this version is none; 0: none.
  std::optional<std::chrono::microseconds> time_slice = {};
  // Bytes of address space for each thread's stack. 0: 256 KiB.
  std::size_t stack_size = 0;
  // How many blocking() sections may be under way at once (conc/blocking.h). 0: 256. At most 16384.
  unsigned blocking_limit = 0;
  // Bind each processor to one of the CPUs that this process may use, round and round if there are
  // more processors; near ones to near CPUs. Whoever else uses such a CPU then slows its processor,
  // which cannot move away. Kernel threads that user-level threads start inherit the binding.
  bool pin_carriers = false;
};

// What one processor has done since the runtime began. Each figure is exact for its processor, but
// they are read one after the other while it runs. They fit each other for the processor of the
// calling thread, and for those that are idle. If all are, then over all processors
//
//   parks - wakes   is the number of threads that are suspended, and
//   dispatches      is parks + finished + yields, if there were no migrate_to() and no task_group.
struct processor_stats {
  // How often a thread made way for the next, or would have and nobody was ready: by waiting,
  // ending, yielding, migrate_to(), or for a child that a task_group runs first. The way back from
  // such a child to its parent is no dispatch, unless somebody else has taken up the parent.
  std::uint64_t dispatches = 0;
  std::uint64_t spawned = 0;   // threads made by threads on this processor
  std::uint64_t finished = 0;  // threads that ended here
  // Calls of this_thread::yield(), and by locks whose waiters spin.
  std::uint64_t yields = 0;
  // Suspensions: a thread waits for an object, a time, another thread's end or an operation. In
  // conc::blocking() threads wait as kernel threads do, which does not count.
  std::uint64_t parks = 0;
  // Ends of suspensions: by this processor's threads, or by its carrier that found a deadline
  // passed or an operation completed; and by kernel threads and other runtimes, of threads that had
  // suspended here.
  std::uint64_t wakes = 0;
  std::uint64_t steals = 0;          // successful thefts by this processor …
  std::uint64_t stolen_threads = 0;  // … and what they brought
  // Threads that go on on another processor than before, by this one's doing: stolen, woken by one
  // of its threads, or sent by this_thread::migrate_to.
  std::uint64_t migrations = 0;
  std::uint32_t ready = 0;  // threads that wait for it now, without the one that runs
  // How long it has run threads, and how long it has looked for some elsewhere. Measured where the
  // clock is read anyway; what is missing to the age of the runtime it has slept.
  std::chrono::nanoseconds running{};
  std::chrono::nanoseconds searching{};
};

struct runtime_stats {
  std::vector<processor_stats> processors;
  std::uint64_t spawned = 0;  // all threads ever made, also from outside
  std::uint64_t finished = 0;
  std::uint32_t kernel_threads = 0;      // of the runtime now, spares included
  std::uint32_t blocking_sections = 0;   // under way now
  std::uint64_t blocking_handovers = 0;  // processors taken over because a section took long
  std::uint64_t rebalanced = 0;          // threads moved between queues (per_cpu_migrating)

  // The runtime as a queueing system since it began. A thread is in it from the moment at which it
  // becomes ready until it waits again or ends: it waits for a processor, or runs. By Little's law
  // L = lambda W, whatever the distributions are. (J. D. C. Little, "A proof for the queuing
  // formula L = lambda W", 1961.) The number of those that wait for a processor is sampled every 32
  // switches and taken to change evenly in between.
  double mean_in_system = 0;                       // L: how many there were, on average over time
  double departures_per_second = 0;                // lambda
  std::chrono::nanoseconds mean_time_in_system{};  // W: from ready to the next wait, on average
};

// A runtime runs the threads that are spawned on it on its own processors, each driven by a kernel
// thread of the runtime's. Several may exist at once; most programs need only the default one.
//
// Thread-safety: all members may be called from any thread, except that nobody else may use a
// runtime while it is destroyed; its own threads may still spawn then.
namespace detail {
scheduler& current_scheduler();
}

class CONC_API runtime {
 public:
  // Starts the processors. The environment overrides the defaults, not explicit options:
  // CONC_PROCS, CONC_POLICY, CONC_TIME_SLICE_US. Throws std::system_error: invalid_argument for a
  // value that makes no sense (in the options or the environment), not_supported for one that this
  // version does not have, or what the system reports when it refuses threads or memory.
  explicit runtime(runtime_options options = {});
  // Waits until all threads of this runtime have ended, detached ones too. Called from one of them
  // it could never return, so that ends the process with a message.
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  // Runs f() as a user-level thread of this runtime; the caller, of whatever kind, waits. Returns
  // what f returns or throws what it throws.
  template <class F>
  decltype(auto) run(F&& f);

  // conc::thread's constructor, on this runtime.
  template <class... Arguments>
  [[nodiscard]] thread spawn(Arguments&&... arguments) {
    return thread(*impl_, std::forward<Arguments>(arguments)...);
  }
  template <class F, class... Arguments>  // so that the options may be a list in braces
  [[nodiscard]] thread spawn(thread_options options, F&& f, Arguments&&... arguments) {
    return thread(*impl_, std::move(options), std::forward<F>(f),
                  std::forward<Arguments>(arguments)...);
  }

  // The runtime that the calling thread runs on, else the process-wide default one, which this
  // starts if need be and which is never destroyed.
  static runtime& current();

  // The default runtime's options. Before its first use; afterwards throws std::system_error
  // (operation_not_permitted).
  static void configure_default(runtime_options options);

  runtime_stats stats() const;

  // Writes every thread of this runtime: id, name, state, what it waits for and for how long at
  // most, how much of its stack it has touched, and its stack trace; then the kernel threads that
  // wait in this library's objects. For people: the form may change. docs/observability.md says
  // what a trace can and cannot show. The threads go on meanwhile, but those that run are
  // interrupted for some microseconds by a signal (SIGURG), which ends system calls that do not
  // restart with EINTR. Throws std::bad_alloc and what the stream throws. See also conc/debug.h.
  void dump(std::ostream& out) const;
  unsigned processors() const noexcept;

 private:
  friend detail::scheduler& detail::current_scheduler();
  std::unique_ptr<detail::scheduler> impl_;
};

template <class F>
decltype(auto) runtime::run(F&& f) {
  using result = std::invoke_result_t<F>;
  std::exception_ptr failure;
  if constexpr (std::is_void_v<result>) {
    spawn([&]() noexcept {
      try {
        std::invoke(std::forward<F>(f));
      } catch (...) {
        failure = std::current_exception();
      }
    }).join();
    if (failure) std::rethrow_exception(std::move(failure));
  } else {
    // A reference travels as a pointer, anything else as an optional value.
    using stored = std::conditional_t<std::is_reference_v<result>, std::remove_reference_t<result>*,
                                      std::optional<result>>;
    stored value{};
    spawn([&]() noexcept {
      try {
        if constexpr (std::is_reference_v<result>) {
          result&& got = std::invoke(std::forward<F>(f));
          value = std::addressof(got);
        } else {
          value.emplace(std::invoke(std::forward<F>(f)));
        }
      } catch (...) {
        failure = std::current_exception();
      }
    }).join();
    if (failure) std::rethrow_exception(std::move(failure));
    return static_cast<result>(*std::move(value));
  }
}

}  // namespace conc

#endif  // CONC_RUNTIME_H
