// Lock and unlock with nobody else there, though there is a second kernel thread: nanoseconds.
//
//   uncontended              by a kernel thread
//   uncontended in a thread  by a user-level thread
#include "locks/figures.h"
#include "support/locks.h"
#include "support/peer_locks.h"
#include "support/peers.h"
#include "support/per_operation.h"

namespace bench {
namespace {

template <class Lock>
nanos lock_and_unlock(Lock& lock, std::int64_t n) {
  const nanos start = now();
  for (std::int64_t i = 0; i < n; ++i) {
    lock.lock();
    lock.unlock();
  }
  return now() - start;
}

}  // namespace

void uncontended_figures() {
  auto on_a_kernel_thread = [](const std::string& name, auto make) {
    per_operation(
        "uncontended/" + name,
        [make](std::int64_t n) {
          auto lock = make();
          return lock_and_unlock(lock, n);
        },
        1 << 10);
  };
  each_lock_of_ours(on_a_kernel_thread);
  each_lock_of_others(on_a_kernel_thread);

  each_peer_on_one_processor([]<class Peer>(const std::string& name) {
    if (name.starts_with("std")) return;  // that is the figure above
    per_operation(
        "uncontended in a thread/" + name,
        [](std::int64_t n) {
          nanos took = 0;
          Peer::run([&] {
            typename Peer::mutex lock;
            took = lock_and_unlock(lock, n);
          });
          return took;
        },
        1 << 10);
  });
}

}  // namespace bench
