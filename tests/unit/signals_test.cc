// What docs/signals.md says of signals and user-level threads.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <span>
#include <sstream>
#include <thread>

#include "conc/conc.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"
#include "threads/signal_chain.h"

namespace {

using namespace std::chrono_literals;

// For as long as it lives, `handler` is what SIGUSR1 calls.
class handled {
 public:
  explicit handled(void (*handler)(int), int flags = SA_ONSTACK | SA_RESTART) {
    struct sigaction ours {};
    ours.sa_handler = handler;
    ours.sa_flags = flags;
    sigaction(SIGUSR1, &ours, &before_);
  }
  ~handled() { sigaction(SIGUSR1, &before_, nullptr); }
  handled(const handled&) = delete;
  handled& operator=(const handled&) = delete;

 private:
  struct sigaction before_ {};
};

std::atomic<int> calls{0};
int news = -1;

TEST(signals, a_handler_finds_out_which_thread_it_has_interrupted) {
  static conc::thread::id interrupted;
  for (const int flags : {SA_ONSTACK, 0}) {
    const handled now([](int) { interrupted = conc::this_thread::get_id(); }, flags);
    conc::runtime r({.processors = 2});
    r.run([] {
      for (int i = 0; i < 100; ++i) {
        interrupted = {};
        raise(SIGUSR1);
        ASSERT_EQ(interrupted, conc::this_thread::get_id());
        conc::this_thread::yield();
      }
    });
  }
}

TEST(signals, a_handler_may_write_to_what_a_user_level_thread_reads) {
  news = eventfd(0, EFD_CLOEXEC);
  const handled now([](int) {
    const int before = errno;
    const std::uint64_t one = 1;
    static_cast<void>(write(news, &one, sizeof one) == sizeof one);
    errno = before;
  });
  conc::runtime r({.processors = 1});
  r.run([] {
    std::uint64_t read = 0;
    std::atomic<bool> reads{false};
    conc::thread reader([&] {
      reads = true;
      EXPECT_EQ(conc::io::read(news, std::as_writable_bytes(std::span(&read, 1))), sizeof read);
    });
    ASSERT_TRUE(conc_test::eventually([&] { return reads.load(); }));
    errno = 77;
    // ThreadSanitizer keeps a signal from its handler until the kernel thread that has got it makes
    // a call that it intercepts, which one that sleeps on a futex of conc's never does.
    if (conc_test::under_tsan) {
      raise(SIGUSR1);
    } else {
      kill(getpid(), SIGUSR1);
    }
    EXPECT_EQ(errno, 77);
    reader.join();
    EXPECT_EQ(read, 1u);
  });
  close(news);
}

// Waits of every kind are in the kernel or on their way there while signals come to all threads.
TEST(signals, no_wait_ends_for_one) {
  calls = 0;
  const handled now([](int) { ++calls; }, SA_ONSTACK);  // system calls are not restarted
  conc::runtime r({.processors = 2});
  conc::counting_semaphore<> given(0);
  std::atomic<int> ended{0};
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const auto wait = [&](int what) {
    std::byte one{};
    if (what == 0) given.acquire();
    if (what == 1) {
      EXPECT_EQ(conc::io::read(fds[0], std::span(&one, 1)), 1u);
    }
    ++ended;
  };
  std::thread kernels[] = {std::thread(wait, 0), std::thread(wait, 1)};
  conc::thread users[] = {r.spawn(wait, 0), r.spawn(wait, 1)};
  for (int i = 0; i < 50; ++i) {
    for (std::thread& t : kernels) pthread_kill(t.native_handle(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    const auto until = std::chrono::steady_clock::now() + 100us;
    conc::this_thread::sleep_until(until);
    EXPECT_GE(std::chrono::steady_clock::now(), until);
  }
  EXPECT_TRUE(conc_test::eventually([] { return calls > 0; }));
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(write(fds[1], "xx", 2), 2);
  given.release(2);
  for (auto& t : kernels) t.join();
  for (auto& t : users) t.join();
  close(fds[0]);
  close(fds[1]);
}

using SignalsDeathTest = conc_test::death_test;

std::atomic<int> urgent{0};

// SIGURG is the library's own, too, but the program's handler has it as before: also without
// SA_RESTART, which ends a system call.
TEST_F(SignalsDeathTest, the_programs_own_handler_of_sigurg_still_works) {
  const auto still_works = [] {
    struct sigaction theirs {};
    theirs.sa_handler = [](int) { ++urgent; };
    sigaction(SIGURG, &theirs, nullptr);
    conc::runtime r({.processors = 1});
    std::atomic<bool> runs{false}, stop{false};
    conc::thread computes = r.spawn([&] {
      runs = true;
      while (!stop) {
      }
    });
    bool good = conc_test::eventually([&] { return runs.load(); });
    std::ostringstream text;
    r.dump(text);  // has a trace of the one that computes, by SIGURG
    stop = true;
    computes.join();
    int fds[2];
    good = pipe(fds) == 0 && good;
    std::atomic<int> outcome{0};
    std::thread reader([&] {
      char c;
      outcome = read(fds[0], &c, 1) < 0 ? errno : -1;
    });
    urgent = 0;
    good = conc_test::eventually([&] {
             pthread_kill(reader.native_handle(), SIGURG);
             return outcome != 0;
           }) &&
           good;
    reader.join();
    std::_Exit(good && outcome == EINTR && urgent > 0 ? 5 : 1);
  };
  EXPECT_EXIT(still_works(), testing::ExitedWithCode(5), "");
}

// SA_SIGINFO beside SIG_IGN, which the kernel keeps, makes no handler of it.
TEST(signals, what_was_ignored_is_not_called) {
  struct sigaction ignored {}, before {};
  ignored.sa_handler = SIG_IGN;
  ignored.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGUSR2, &ignored, &before), 0);
  static conc::detail::signal_chain chain;
  static int seen = 0;
  ASSERT_TRUE(chain.install(SIGUSR2, [](int signal, siginfo_t* info, void* context) noexcept {
    ++seen;
    EXPECT_FALSE(chain.pass_on_to_handler(signal, info, context));
  }));
  raise(SIGUSR2);
  EXPECT_EQ(seen, 1);
  sigaction(SIGUSR2, &before, nullptr);
}

TEST(signals, a_runtime_inherits_the_mask_of_its_maker) {
  std::thread([] {
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, nullptr);
    conc::runtime r({.processors = 2, .queues = conc::queue_layout::per_cpu});
    r.run([] {
      for (const unsigned p : {0u, 1u}) {
        conc::this_thread::migrate_to(p);
        sigset_t here;
        pthread_sigmask(SIG_BLOCK, nullptr, &here);
        EXPECT_EQ(sigismember(&here, SIGUSR2), 1) << "processor " << p;
      }
    });
    // And so a kernel thread of the program's gets it, and all of conc is its to call.
    conc::latch came(1);
    std::thread receiver([&] {
      int number = 0;
      sigwait(&usr2, &number);
      EXPECT_EQ(number, SIGUSR2);
      came.count_down();
    });
    conc::thread waiter = r.spawn([&] { came.wait(); });
    pthread_kill(receiver.native_handle(), SIGUSR2);
    waiter.join();
    receiver.join();
  }).join();
}

}  // namespace
