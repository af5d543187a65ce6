// conc::task_group: threads that end before the scope that started them does.
#ifndef CONC_TASK_GROUP_H
#define CONC_TASK_GROUP_H

#include <cstdint>
#include <exception>
#include <functional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/thread_maker.h"
#include "conc/mutex.h"

namespace conc {
namespace detail {
struct group_link;
}

// A group of threads for structured concurrency: what is divided here is together again after
// wait(), and an exception of a child arrives in its parent.
//
// run() may run the child at once, on the caller's processor, and let the caller go on when the
//   child has ended or suspends itself, or earlier on another processor that has nothing to do
//   ("child first"). So the caller may find itself on another kernel thread afterwards: it must not
//   hold a kernel mutex. In return a recursion of a million calls needs a few stacks, and a child
//   that ends without having waited costs little more than two switches. The caller can rely on
//   neither order. From a kernel thread, and with other queue layouts than work stealing, the child
//   is queued like a conc::thread.
// wait() suspends the caller until all children have ended, and rethrows the first exception that
//   one of them has left; the others were asked to stop through get_stop_token(), their exceptions
//   are lost. Then the group may be used again, as if it were new: a request to stop ends with the
//   wait(). The tokens of before stay stopped; ask for another.
// The destructor asks the children to stop if wait() was not called, and waits; exceptions are
// lost.
//
// Thread-safety: run(), get_stop_token() and request_stop() may be called by the thread that made
//   the group and by its children, at the same time. wait() and the destructor are for the thread
//   that made it. After wait() nothing touches the group any more.
// Order: what a child does happens before the return of wait().
// Errors: run() throws what conc::thread's constructor throws; the child has not begun then.
//
// Source of child-first execution with stealing of the parent: Mohr, Kranz, Halstead, "Lazy task
// creation", 1990; Frigo, Leiserson, Randall, "The implementation of the Cilk-5 multithreaded
// language", 1998.
class CONC_API task_group {
 public:
  task_group() noexcept = default;
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  ~task_group() {
    // [task_group] acquire: pairs with the release in child_done().
    if (word_.load(detail::memory_order_acquire) != 0) [[unlikely]]
      abandon();
  }

  // Runs f() as a thread of the caller's runtime (of the default one for a kernel thread). f is
  // copied or moved, and called once, as an rvalue, like a conc::thread's.
  template <class F>
  void run(F&& f) {
    static_assert(std::is_invocable_v<std::decay_t<F>>, "a group's function takes no arguments");
    detail::make_in_group(*this, child<std::decay_t<F>>{this, std::forward<F>(f)});
  }

  void wait() {
    // [task_group] acquire: pairs with the release in child_done().
    if (word_.load(detail::memory_order_acquire) != 0) wait_slow();
    if (stopped_.load(detail::memory_order_relaxed)) [[unlikely]]
      renew();
  }

  // Told to stop by request_stop(), by the first exception of a child, and by the destructor. Stop
  // callbacks must not suspend a user-level thread, as with jthread.
  std::stop_token get_stop_token();
  void request_stop() noexcept;

 private:
  friend class detail::thread_maker;
  friend struct detail::group_link;

  template <class F>
  struct child {
    task_group* group;
    F f;
    void operator()() noexcept {
      try {
        static_cast<void>(std::invoke(std::move(f)));
      } catch (...) {
        group->child_failed(std::current_exception());
      }
    }
  };

  void child_done() noexcept;
  void child_failed(std::exception_ptr e) noexcept;
  void wait_slow() noexcept;
  void renew();
  void abandon() noexcept;

  // 2 * (children that are counted) + 1 if the owner waits in the parking table. A child that runs
  // on top of its suspended parent is not counted: the parent cannot come to wait() before it has
  // ended, or has been separated from the parent and counted (src/sched/fork_stack.h).
  static constexpr std::int64_t one_child = 2, owner_waits = 1;
  detail::atomic<std::int64_t> word_{0};
  detail::atomic<bool> stopped_{false};  // by a failure or a request: wait() has more to do
  mutex lock_;                           // of what follows
  std::exception_ptr failure_;
  std::stop_source stop_{std::nostopstate};  // made when it is asked for
  bool stop_requested_ = false;
};

}  // namespace conc

#endif  // CONC_TASK_GROUP_H
