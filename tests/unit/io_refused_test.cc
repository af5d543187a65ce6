// Where io_uring is forbidden, wholly or in part, conc::io does without; or says so, if it is told
// to use it all the same.
//
// Each case is a process of its own, because a filter for system calls is for life.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "conc/conc.h"
#include "support/death.h"
#include "support/io_exercise.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc_test::bytes_of;
using conc_test::exercise;
using conc_test::text_buffer;

namespace {

void forbid(unsigned first, unsigned last, int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0) {
    std::perror("seccomp");
    std::_Exit(99);
  }
}

void check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::_Exit(1);
}

// With io_uring forbidden: what needs no waiting works, what does reports the kernel's reason, and
// a thread that got the error can go on. Ends the process.
[[noreturn]] void expect_refusal(std::errc reason) {
  ::setenv("CONC_IO", "uring", 1);
  conc::runtime rt({.processors = 1});
  rt.run([&] {
    auto [a, b] = conc_test::socket_pair();
    text_buffer t;
    std::error_code ec;
    check(io::send(a.get(), bytes_of("x"), 0) == 1, "send needs no ring");
    check(io::recv(b.get(), t.all(), 0) == 1, "recv of what is there needs no ring");
    for (int i = 0; i < 2; ++i) {
      check(io::recv(b.get(), t.all(), 0, ec) == 0 && ec == reason, "recv reports the reason");
    }
    check(ec.message().find("io_uring is not available") != std::string::npos, "and says so");
    try {
      io::accept(a.get(), nullptr, nullptr);
      check(false, "accept must throw");
    } catch (const std::system_error& e) {
      check(e.code() == reason, "accept throws the reason");
      check(std::strstr(e.what(), "io_uring is not available") != nullptr, "and its message");
    }
    conc::this_thread::sleep_for(1ms);
  });
  std::thread([&] {
    auto [a, b] = conc_test::socket_pair();
    text_buffer t;
    std::error_code ec;
    check(io::send(a.get(), bytes_of("x"), 0) == 1, "kernel threads need no ring");
    check(io::recv(b.get(), t.all(), 0) == 1, "kernel threads need no ring");
  }).join();
  std::fputs("refused as it should be\n", stderr);
  std::_Exit(0);
}

// Everything works, by an epoll set. Ends the process.
[[noreturn]] void expect_substitute() {
  ::unsetenv("CONC_IO");
  conc::runtime rt;
  exercise(rt);
  check(!testing::Test::HasFailure(), "all calls work without io_uring");
  std::fputs("works\n", stderr);
  std::_Exit(0);
}

class io_refused_death : public conc_test::death_test {};

}  // namespace

TEST_F(io_refused_death, refused_setup) {
  EXPECT_EXIT(
      {
        forbid(SYS_io_uring_setup, SYS_io_uring_setup, EPERM);
        expect_refusal(std::errc::operation_not_permitted);
      },
      testing::ExitedWithCode(0), "refused as it should be");
}

TEST_F(io_refused_death, unknown_setup) {
  EXPECT_EXIT(
      {
        forbid(SYS_io_uring_setup, SYS_io_uring_setup, ENOSYS);
        expect_refusal(std::errc::function_not_supported);
      },
      testing::ExitedWithCode(0), "refused as it should be");
}

// Some sandboxes allow a ring to be made, but not to be used.
TEST_F(io_refused_death, refused_enter) {
  EXPECT_EXIT(
      {
        forbid(SYS_io_uring_enter, SYS_io_uring_enter, EPERM);
        expect_refusal(std::errc::operation_not_permitted);
      },
      testing::ExitedWithCode(0), "refused as it should be");
}

TEST_F(io_refused_death, other_engine_for_refused_setup) {
  for (const int error : {EPERM, ENOSYS, ENOMEM}) {
    EXPECT_EXIT(
        {
          forbid(SYS_io_uring_setup, SYS_io_uring_setup, error);
          expect_substitute();
        },
        testing::ExitedWithCode(0), "works");
  }
}

TEST_F(io_refused_death, other_engine_for_refused_enter) {
  EXPECT_EXIT(
      {
        forbid(SYS_io_uring_enter, SYS_io_uring_enter, EPERM);
        expect_substitute();
      },
      testing::ExitedWithCode(0), "works");
}

// Nor does it need the youngest way to wait.
TEST_F(io_refused_death, neither_ring_nor_epoll_pwait2) {
  EXPECT_EXIT(
      {
        forbid(SYS_io_uring_setup, SYS_io_uring_register, EPERM);
        forbid(SYS_epoll_pwait2, SYS_epoll_pwait2, ENOSYS);
        expect_substitute();
      },
      testing::ExitedWithCode(0), "works");
}

TEST_F(io_refused_death, registering_is_not_needed) {
  EXPECT_EXIT(
      {
        forbid(SYS_io_uring_register, SYS_io_uring_register, EPERM);
        ::setenv("CONC_IO", "uring", 1);
        conc::runtime rt;
        exercise(rt);
        std::fputs("works\n", stderr);
        std::_Exit(testing::Test::HasFailure() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "works");
}

TEST_F(io_refused_death, forbidden_in_mid_flight) {
  EXPECT_EXIT(
      {
        ::setenv("CONC_IO", "uring", 1);
        conc::runtime rt({.processors = 1});
        exercise(rt);
        forbid(SYS_io_uring_enter, SYS_io_uring_enter, EPERM);
        exercise(rt);
      },
      testing::KilledBySignal(SIGABRT), "io_uring was forbidden while operations run");
}
