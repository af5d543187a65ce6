#include "sched/dump_signal.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <string>
#include <system_error>

#include "conc/debug.h"
#include "conc/mutex.h"
#include "locks/futex.h"
#include "locks/immortal.h"
#include "threads/signal_chain.h"

namespace conc::detail {
namespace {

constexpr int most_signals = 65;

struct dump_state {
  conc::mutex lock;                   // for who installs
  bool writer_runs = false;           // under the lock
  bool installed[most_signals] = {};  // under the lock
  signal_chain chains[most_signals];  // each written before its handler can run
  atomic<std::uint32_t> asked{0};     // counts the signals; the writer sleeps on it
};
constinit immortal<dump_state> the_state;

void ask(int signal, siginfo_t* info, void* context) noexcept {
  dump_state& s = the_state.object;
  const int saved_errno = errno;
  s.asked.fetch_add(1, memory_order_relaxed);
  futex_wake(s.asked);
  s.chains[signal].pass_on_to_handler(signal, info, context);
  errno = saved_errno;
}

void write_all(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {  // shared with somebody who wants it so
      pollfd room{STDERR_FILENO, POLLOUT, 0};
      ::poll(&room, 1, -1);
      continue;
    }
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void write_dump() noexcept {
  try {
    // All of it before the first byte is written: a slow reader must not keep a runtime from
    // ending.
    std::ostringstream text;
    text << "conc: what all threads of process " << getpid() << " do\n";
    dump_all(text);
    text << "conc: that was all\n";
    write_all(std::move(text).str());
  } catch (...) {
    write_all("conc: no memory for a dump of all threads\n");
  }
}

void* run_writer(void*) {
  pthread_setname_np(pthread_self(), "conc-dump");
  dump_state& s = the_state.object;
  for (std::uint32_t done = 0;;) {
    const std::uint32_t seen = s.asked.load(memory_order_relaxed);
    if (seen == done) {
      futex_wait(s.asked, seen);
    } else {
      done = seen;  // signals that come while we write are answered by one more dump
      write_dump();
    }
  }
}

void start_writer() {
  sigset_t all, before;
  sigfillset(&all);
  // The new thread inherits the mask: the program's handlers do not run on it.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, run_writer, nullptr);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), "conc: no kernel thread for dumps");
  }
  pthread_detach(thread);
}

}  // namespace

int signal_called(std::string_view name) noexcept {
  int number = 0;
  const char* const end = name.data() + name.size();
  if (const auto [at, error] = std::from_chars(name.data(), end, number);
      error == std::errc{} && at == end) {
    return number > 0 && number < most_signals ? number : 0;
  }
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int i = 1; i < most_signals; ++i) {
    if (const char* known = sigabbrev_np(i); known != nullptr && name == known) return i;
  }
  return 0;
}

void dump_as_environment_says() {
  const char* text = std::getenv("CONC_DUMP_SIGNAL");
  if (text == nullptr) return;
  if (const int number = signal_called(text); number != 0) return dump_on_signal(number);
  throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                          std::string("conc: CONC_DUMP_SIGNAL=") + text + " names no signal");
}

}  // namespace conc::detail

namespace conc {

void dump_on_signal(int number) {
  detail::dump_state& s = detail::the_state.object;
  const std::lock_guard guard(s.lock);
  if (number <= 0 || number >= detail::most_signals) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "conc: dump_on_signal of what is no signal");
  }
  if (s.installed[number]) return;
  if (!s.writer_runs) detail::start_writer();
  s.writer_runs = true;
  if (!s.chains[number].install(number, detail::ask)) {
    throw std::system_error(errno, std::generic_category(),
                            "conc: dump_on_signal of a signal that cannot be caught");
  }
  s.installed[number] = true;
}

}  // namespace conc
