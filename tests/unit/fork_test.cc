// What a child of fork() may do, and what it is told when it does more.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <mutex>
#include <string>

#include "conc/mutex.h"
#include "conc/semaphore.h"
#include "conc/thread.h"
#include "support/crew.h"
#include "support/death.h"

namespace {

struct outcome {
  int status;
  std::string said;
};

// Forks, runs `act` in the child, and returns how it ended and what it wrote to its standard error.
template <class F>
outcome in_child(F act) {
  std::array<int, 2> channel;
  if (pipe(channel.data()) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child == 0) {
    dup2(channel[1], STDERR_FILENO);
    close(channel[0]);
    close(channel[1]);
    signal(SIGABRT, SIG_DFL);
    alarm(20);  // a child that hangs must not keep the test
    act();
    _exit(0);
  }
  close(channel[1]);
  outcome result{};
  std::array<char, 512> text;
  for (ssize_t n; (n = read(channel[0], text.data(), text.size())) > 0;) {
    result.said.append(text.data(), static_cast<std::size_t>(n));
  }
  close(channel[0]);
  waitpid(child, &result.status, 0);
  return result;
}

void make_threads() {
  conc::thread([] {}).join();
}

TEST(fork, a_child_may_end_or_execute_another_program) {
  make_threads();
  conc_test::in_both_worlds([](const char* who) {
    const outcome ended = in_child([] { _exit(7); });
    EXPECT_TRUE(WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 7) << who << ended.said;
    const outcome executed = in_child([] { execl("/bin/sh", "sh", "-c", "exit 5", nullptr); });
    EXPECT_TRUE(WIFEXITED(executed.status) && WEXITSTATUS(executed.status) == 5) << who;
  });
}

template <class F>
void expect_refusal(F act) {
  const outcome o = in_child(act);
  EXPECT_TRUE(WIFSIGNALED(o.status) && WTERMSIG(o.status) == SIGABRT) << o.status;
  EXPECT_NE(o.said.find("a child of fork() may only exec or _exit"), std::string::npos) << o.said;
}

TEST(fork, a_child_that_waits_is_told_that_it_must_not) {
  make_threads();
  conc::binary_semaphore never(0);
  expect_refusal([&] { never.acquire(); });
  // Held by a thread that the child does not have.
  conc::mutex held;
  conc::binary_semaphore taken(0), enough(0);
  conc::thread holder([&] {
    const std::lock_guard guard(held);
    taken.release();
    enough.acquire();
  });
  taken.acquire();
  expect_refusal([&] { held.lock(); });
  enough.release();
  holder.join();
}

TEST(fork, a_child_that_starts_a_thread_is_told_that_it_must_not) {
  make_threads();
  expect_refusal([] { conc::thread([] {}).detach(); });
}

using ForkDeathTest = conc_test::death_test;

// As a daemon does: it forks first, and makes its threads in the child.
TEST_F(ForkDeathTest, a_child_of_a_process_without_other_threads_may_do_everything) {
  EXPECT_EXIT(
      {
        conc::mutex m;
        { const std::lock_guard guard(m); }
        const outcome o = in_child([&] {
          int counter = 0;
          conc_test::crew()
              .mixed(4,
                     [&](int) {
                       for (int i = 0; i < 100; ++i) {
                         const std::lock_guard guard(m);
                         ++counter;
                       }
                     })
              .join();
          _exit(counter == 400 ? 9 : 1);
        });
        _exit(WIFEXITED(o.status) ? WEXITSTATUS(o.status) : 2);
      },
      testing::ExitedWithCode(9), "");
}

}  // namespace
