// Who waits for input and output: so that a test goes on when that is so, not after some time.
#ifndef CONC_TESTS_SUPPORT_IO_WAITERS_H
#define CONC_TESTS_SUPPORT_IO_WAITERS_H

#include <cstdint>
#include <fstream>
#include <string>

#include "locks/kernel_task.h"
#include "locks/task_slab.h"
#include "locks/wait_kind.h"
#include "support/eventually.h"

namespace conc_test {

inline bool waits_for_io(const conc::detail::task& t) {
  using namespace conc::detail;
  return t.state.load(memory_order_relaxed) == task_state::blocked &&
         t.waits_for.load(memory_order_relaxed) == wait_kind::io;
}

// How many user-level threads wait for input or output.
template <class Condition>
int io_waiters_that(Condition condition) {
  using namespace conc::detail;
  int n = 0;
  for (std::uint32_t id = 1; id <= last_task_id(); ++id) {
    const task* t = find_task(id);
    n += t->is_thread && waits_for_io(*t) && condition(*t);
  }
  return n;
}
inline int all_io_waiters() {
  return io_waiters_that([](const conc::detail::task&) { return true; });
}
inline int io_waiters(int fd) {
  const auto* const at = reinterpret_cast<const void*>(std::intptr_t{fd});
  return io_waiters_that([at](const conc::detail::task& t) { return t.wait_address.load() == at; });
}

inline bool eventually_waiting(int fd, int wanted) {
  return eventually([=] { return io_waiters(fd) == wanted; });
}

// Its maker, of either kind, for another thread to see whether it waits by now.
class io_caller {
 public:
  bool waits() const {
    if (self_.is_thread) return waits_for_io(self_);
    // In the system call, or for a thread that does the waiting: asleep in any case.
    const int id = static_cast<const conc::detail::kernel_task&>(self_).thread_id;
    std::ifstream file("/proc/self/task/" + std::to_string(id) + "/stat");
    std::string all;
    std::getline(file, all);
    const std::size_t name_end = all.rfind(") ");
    return name_end != std::string::npos && all[name_end + 2] == 'S';
  }
  bool eventually_waits() const {
    return eventually([this] { return waits(); });
  }

 private:
  const conc::detail::task& self_ = conc::detail::current_task();
};

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_IO_WAITERS_H
