// What programs that were written against the standard's headers do besides the usual: results that
// nobody looks at, callables that can be called once, the spelling of <atomic>, open() without a
// mode. With a warning for an error, as ever.
#include <conc/conc.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace {

// A type whose values want to be looked at. That the library drops one is no mistake of the
// program's, so nothing may warn.
struct [[nodiscard]] verdict {
  bool good = true;
};
verdict judge() noexcept { return {}; }

void results_that_nobody_looks_at() {
  conc::thread([](int) { return verdict{}; }, 1).join();
  conc::jthread([](std::stop_token) { return verdict{}; }).join();
  conc::runtime r({.processors = 1});
  r.spawn(judge).join();
  conc::once_flag once;
  conc::call_once(once, judge);
  conc::task_group g;
  g.run(judge);
  g.wait();
  conc::packaged_task<void()> task(judge);
  task();
  conc::barrier end(1, judge);
  end.arrive_and_wait();
  conc::channel<int> c(1);
  conc::select(conc::on_send(c, 1, [](bool) { return verdict{}; }));
  conc::select(conc::on_recv(c, [](std::optional<int>) { return verdict{}; }));
}

struct only_once {
  std::unique_ptr<int> with = std::make_unique<int>(1);
  verdict operator()() && { return {*std::exchange(with, nullptr) == 1}; }
};

void callables_that_can_be_called_once() {
  conc::thread(only_once()).join();
  conc::jthread(only_once()).join();
  conc::task_group g;
  g.run(only_once());
  g.wait();
  conc::runtime r({.processors = 1});
  static_cast<void>(r.run(only_once()));
  static_cast<void>(conc::async(only_once()).get());
  static_cast<void>(conc::blocking(only_once()));
  conc::once_flag once;
  conc::call_once(once, only_once());
}

void the_spelling_of_atomic() {
  std::atomic<int> a{0};
  conc::atomic_wait(&a, 1);
  conc::atomic_wait_explicit(&a, 1, std::memory_order_acquire);
  conc::atomic_notify_one(&a);
  conc::atomic_notify_all(&a);
  std::atomic_flag f;
  conc::atomic_wait(f, true);
  conc::atomic_wait(f, true, std::memory_order_acquire);
  conc::atomic_notify_one(f);
  conc::atomic_notify_all(f);
  conc::atomic_flag_wait(&f, true);
  conc::atomic_flag_wait_explicit(&f, true, std::memory_order_acquire);
  conc::atomic_flag_notify_one(&f);
  conc::atomic_flag_notify_all(&f);
}

void without_a_mode() {
  namespace io = conc::io;
  std::error_code e;
  io::close(io::open("/dev/null", O_RDONLY));
  io::close(io::open("/dev/null", O_RDONLY, {.deadline = std::chrono::seconds(10)}));
  io::close(io::open("/dev/null", O_RDONLY, e));
  io::close(io::open("/dev/null", O_RDONLY, e, {.deadline = std::chrono::seconds(10)}));
  io::close(io::open("/dev/null", O_RDONLY, 0));
  io::close(io::openat(AT_FDCWD, "/dev/null", O_RDONLY));
  io::close(io::openat(AT_FDCWD, "/dev/null", O_RDONLY, e));
}

}  // namespace

int main() {
  results_that_nobody_looks_at();
  callables_that_can_be_called_once();
  the_spelling_of_atomic();
  without_a_mode();
}
