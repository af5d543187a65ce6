// conc::io::waitpid.
#include <chrono>
#include <thread>

#include "conc/conc.h"
#include "support/children.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc_test::in_each_world;
using conc_test::run_shell;

namespace {

void expect_exit(int status, int code) {
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), code);
}

}  // namespace

TEST(io_processes, a_child_by_its_number) {
  in_each_world([] {
    const pid_t child = run_shell("sleep 0.02; exit 7");
    int status = 0;
    EXPECT_EQ(io::waitpid(child, &status, 0), child);
    expect_exit(status, 7);
    std::error_code ec;
    EXPECT_EQ(io::waitpid(child, &status, 0, ec), -1);
    EXPECT_EQ(ec, std::errc::no_child_process);
    EXPECT_THROW(io::waitpid(child, &status, 0), std::system_error);
  });
}

TEST(io_processes, any_child_and_a_child_of_a_group) {
  in_each_world([] {
    int status = 0;
    const pid_t first = run_shell("sleep 0.02; exit 3");
    EXPECT_EQ(io::waitpid(-1, &status, 0), first);
    expect_exit(status, 3);
    const pid_t leader = run_shell("sleep 0.02; exit 4", true);
    EXPECT_EQ(io::waitpid(-leader, &status, 0), leader);
    expect_exit(status, 4);
    const pid_t same_group = run_shell("sleep 0.02; exit 5");
    EXPECT_EQ(io::waitpid(0, nullptr, 0), same_group);
    std::error_code ec;
    EXPECT_EQ(io::waitpid(-1, &status, 0, ec), -1);
    EXPECT_EQ(ec, std::errc::no_child_process);
  });
}

TEST(io_processes, stops_signals_and_looks) {
  in_each_world([] {
    int status = 0;
    const pid_t child = run_shell("kill -STOP $$; kill -TERM $$");
    EXPECT_EQ(io::waitpid(child, &status, WUNTRACED), child);
    EXPECT_TRUE(WIFSTOPPED(status));
    EXPECT_EQ(WSTOPSIG(status), SIGSTOP);
    EXPECT_EQ(io::waitpid(child, &status, WNOHANG), 0) << "it is stopped, not over";
    ::kill(child, SIGCONT);
    EXPECT_EQ(io::waitpid(-1, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGTERM);
  });
}

// A call that gave up must not have reaped the child.
TEST(io_processes, who_gives_up_takes_nothing) {
  in_each_world([] {
    for (const pid_t whom : {1, -1}) {
      const pid_t child = run_shell("sleep 0.05; exit 9");
      std::error_code ec = std::make_error_code(std::errc::timed_out);
      int status = 0;
      pid_t got = -1;
      for (int i = 0; ec == std::errc::timed_out; ++i) {
        const io::options soon{.deadline = std::chrono::microseconds(100 + 50 * (i % 40))};
        got = io::waitpid(whom == 1 ? child : -1, &status, 0, ec, soon);
      }
      EXPECT_EQ(got, child) << ec.message();
      expect_exit(status, 9);
    }
  });
}
