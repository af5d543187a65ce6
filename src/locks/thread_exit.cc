#include "conc/detail/thread_exit.h"

#include <mutex>
#include <utility>

#include "conc/condition_variable.h"
#include "locks/fatal.h"
#include "locks/fiber_values.h"

namespace conc {
namespace detail {

exit_call::exit_call() { fiber_values_of(current_task()); }

void at_thread_exit(std::unique_ptr<exit_call> call) noexcept {
  current_task().fiber_locals->left.add(std::move(call));
}

}  // namespace detail

void notify_all_at_thread_exit(condition_variable& cv, std::unique_lock<mutex> lock) {
  // Notified while the mutex is held: whoever holds it next may destroy both.
  class notification final : public detail::exit_call {
   public:
    explicit notification(condition_variable& of) : cv_(of) {}
    void hold(std::unique_lock<mutex> lock) noexcept { lock_ = std::move(lock); }

   private:
    void run() noexcept override {
      cv_.notify_all();
      lock_.unlock();
    }
    condition_variable& cv_;
    std::unique_lock<mutex> lock_;
  };
  if (!lock.owns_lock()) {
    detail::fatal("notify_all_at_thread_exit() was called with a lock that does not hold its mutex",
                  &cv);
  }
  auto call = std::make_unique<notification>(cv);
  call->hold(std::move(lock));
  detail::at_thread_exit(std::move(call));
}

}  // namespace conc
