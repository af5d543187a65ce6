// What a child of fork() may do, and what it is told when it does more.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>

#include "conc/conc.h"
#include "support/crew.h"
#include "support/death.h"

namespace {

using namespace std::chrono_literals;

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

constexpr const char* copy_ran = "a copy of a thread of the parent's ran";

void expect_refused(const outcome& o, const std::string& where) {
  EXPECT_TRUE(WIFSIGNALED(o.status) && WTERMSIG(o.status) == SIGABRT) << where << ": " << o.status;
  EXPECT_NE(o.said.find("a child of fork() may only exec or _exit"), std::string::npos)
      << where << ": " << o.said;
  EXPECT_EQ(o.said.find(copy_ran), std::string::npos) << where;
}

// f(kind) in a kernel thread; in a user-level thread that is alone; and in one beside which another
// is ready, which the child has a copy of.
template <class F>
void in_all_worlds(F f) {
  std::thread([&] { f("kernel thread"); }).join();
  for (const auto layout :
       {conc::queue_layout::stealing, conc::queue_layout::global, conc::queue_layout::per_cpu}) {
    conc::runtime one({.processors = 1, .queues = layout});
    one.run([&] { f("user thread"); });
    one.run([&] {
      const pid_t parent = getpid();
      conc::thread ready([parent] {
        if (getpid() != parent) static_cast<void>(write(2, copy_ran, std::strlen(copy_ran)));
      });
      f("user thread beside a ready one");
      ready.join();
    });
  }
}

struct refused_call {
  const char* name;
  void (*call)();
};

std::array<int, 2> empty_pipe;

const refused_call refused_calls[] = {
    {"thread and join", [] { conc::thread([] {}).join(); }},
    {"thread and detach", [] { conc::thread([] {}).detach(); }},
    {"task_group",
     [] {
       conc::task_group g;
       g.run([] {});
       g.wait();
     }},
    {"async", [] { conc::async([] {}).get(); }},
    {"runtime", [] { conc::runtime({.processors = 1}).run([] {}); }},
    {"yield", [] { conc::this_thread::yield(); }},
    {"sleep_for", [] { conc::this_thread::sleep_for(1ms); }},
    {"acquire", [] { conc::binary_semaphore(0).acquire(); }},
    {"try_acquire_for", [] { static_cast<void>(conc::binary_semaphore(0).try_acquire_for(1ms)); }},
    {"spin",
     [] {
       conc::tas_lock held;
       held.lock();
       held.lock();
     }},
    {"blocking", [] { conc::blocking([] {}); }},
    {"read that waits",
     [] {
       std::byte b;
       conc::io::read(empty_pipe[0], {&b, 1});
     }},
    {"read with a deadline",
     [] {
       std::byte b;
       conc::io::read(empty_pipe[0], {&b, 1}, {.deadline = 1ms});
     }},
    {"write that need not wait",
     [] {
       const std::byte b{};
       conc::io::write(empty_pipe[1], {&b, 1});
     }},
    {"unlink", [] { conc::io::unlinkat(AT_FDCWD, "/nowhere/at/all", 0); }},
    {"close", [] { conc::io::close(empty_pipe[0]); }},
};

TEST(fork, a_child_that_does_more_is_told_so) {
  make_threads();
  ASSERT_EQ(pipe(empty_pipe.data()), 0);
  for (const refused_call& refused : refused_calls) {
    in_all_worlds([&](const char* who) {
      expect_refused(in_child(refused.call), std::string(refused.name) + " in a " + who);
    });
  }
  close(empty_pipe[0]);
  close(empty_pipe[1]);
}

// With an engine of the carrier's, whose memory the child does not have.
TEST(fork, a_child_of_a_thread_that_has_waited_for_io_is_told_so) {
  ASSERT_EQ(pipe(empty_pipe.data()), 0);
  conc::runtime one({.processors = 1});
  one.run([] {
    std::byte b;
    std::error_code late;
    conc::io::read(empty_pipe[0], {&b, 1}, late, {.deadline = 1ms});
    EXPECT_EQ(late, std::errc::timed_out);
    for (const refused_call& refused : refused_calls) {
      expect_refused(in_child(refused.call), std::string(refused.name) + " after I/O");
    }
  });
  close(empty_pipe[0]);
  close(empty_pipe[1]);
}

// Held by a thread that the child does not have.
TEST(fork, a_child_cannot_wait_for_the_others) {
  make_threads();
  in_all_worlds([](const char* who) {
    conc::mutex held;
    conc::binary_semaphore taken(0), enough(0);
    conc::thread holder([&] {
      const std::lock_guard guard(held);
      taken.release();
      enough.acquire();
    });
    taken.acquire();
    expect_refused(in_child([&] { held.lock(); }), who);
    enough.release();
    holder.join();
  });
}

// The child leaves in_child() by an exception, and then what the parent's thread was in.
struct goes_on {};

TEST(fork, a_child_whose_thread_goes_on_to_its_end_is_told_so) {
  conc::runtime one({.processors = 1});
  const auto fork_and_end = [](outcome& o) {
    try {
      o = in_child([] { throw goes_on(); });
    } catch (const goes_on&) {
    }
  };
  one.run([&] {
    outcome of_thread{}, of_group{}, of_section{};
    conc::thread([&] { fork_and_end(of_thread); }).join();
    expect_refused(of_thread, "a thread's end");
    conc::task_group g;
    g.run([&] { fork_and_end(of_group); });
    g.wait();
    expect_refused(of_group, "the end of a child in a group");
    conc::blocking([&] { fork_and_end(of_section); });
    expect_refused(of_section, "the end of a blocking section");
  });
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
