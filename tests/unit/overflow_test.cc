// Running over the end of a stack, and faults that are nothing of the kind.
#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "conc/conc.h"
#include "support/death.h"
#include "support/no_frame_pointers.h"
#include "support/old_kernel.h"
#include "support/scale.h"

namespace {

using OverflowDeathTest = conc_test::death_test;

// Of the signal itself; under a sanitizer by its report, which comes after ours.
bool of_the_fault(int status) {
  if (conc_test::under_asan || conc_test::under_tsan) {
    return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0);
  }
  return testing::KilledBySignal(SIGSEGV)(status);
}

void nothing(void*) {}
void dive() { conc_test_no_frame_pointer(1'000'000, nothing, nullptr); }

#if defined(__x86_64__)
#define CONC_FRAMES "#23 .*conc_test_no_frame_pointer.*\n.*\\.\\.\\. [0-9]+ more.*"
#else
#define CONC_FRAMES ""
#endif

TEST_F(OverflowDeathTest, names_the_thread_and_shows_how_it_came_there) {
  EXPECT_EXIT(conc::thread({.name = "diver"}, dive).join(), of_the_fault,
              "conc: fatal: stack overflow in thread [0-9]+ \"diver\", whose stack is (256|512) "
              "KiB(.*\n)*.*#0 .*conc_test_no_frame_pointer(.*\n)*.*" CONC_FRAMES);
  EXPECT_EXIT(conc::thread(dive).join(), of_the_fault,
              "conc: fatal: stack overflow in thread [0-9]+, whose");
}

TEST_F(OverflowDeathTest, of_a_stack_of_its_own_size) {
  EXPECT_EXIT(conc::thread({.name = "small", .stack_size = 64 << 10}, dive).join(), of_the_fault,
              "overflow in thread [0-9]+ \"small\", whose stack is 64 KiB");
  EXPECT_EXIT(conc::thread({.name = "large", .stack_size = 8 << 20}, dive).join(), of_the_fault,
              "overflow in thread [0-9]+ \"large\", whose stack is 8192 KiB");
}

#if !defined(CONC_ASAN) && !defined(CONC_TSAN)  // which need the system calls themselves
TEST_F(OverflowDeathTest, where_guards_are_mappings) {
  const auto where_guards_are_mappings = [] {
    conc_test::forget_guard_marks();
    conc::thread({.name = "diver"}, dive).join();
  };
  EXPECT_EXIT(where_guards_are_mappings(), of_the_fault, "overflow in thread [0-9]+ \"diver\"");
  const auto with_own_stack = [] {
    conc_test::forget_guard_marks();
    conc::thread({.name = "own", .stack_size = 64 << 10}, dive).join();
  };
  EXPECT_EXIT(with_own_stack(), of_the_fault, "overflow in thread [0-9]+ \"own\"");
}
#endif

// The distance from `here` to the middle of a piece of memory below that nobody may touch.
unsigned distance_to_forbidden_memory(std::uintptr_t here) {
  constexpr std::size_t bytes = 128 << 10;
  for (std::uintptr_t far = 1 << 20; far < 60 << 20; far += 1 << 20) {
    void* at = reinterpret_cast<void*>((here - far - bytes / 2) / 4096 * 4096);
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (mmap(at, bytes, PROT_NONE, flags, -1, 0) == at) return static_cast<unsigned>(far);
  }
  return 0;
}

// A frame larger than the guard, touched at its far end only.
TEST_F(OverflowDeathTest, that_jumps_over_the_guard) {
  const auto jump = [] {
    // Until nothing else lies below the stack: what fills the holes sends the next one further
    // down.
    for (int i = 0; i < 1'000; ++i) {
      conc::thread({.name = "jumper", .stack_size = 64 << 10}, [] {
        volatile char here = 0;
        const unsigned far = distance_to_forbidden_memory(reinterpret_cast<std::uintptr_t>(&here));
        if (far != 0) conc_test_with_alloca(far, nothing, nullptr);
      }).join();
      for (const std::size_t hole : {4 << 20, 68 << 10}) {
        mmap(nullptr, hole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      }
    }
  };
  EXPECT_EXIT(jump(), of_the_fault, "overflow in thread [0-9.]+ \"jumper\"");
}

TEST_F(OverflowDeathTest, of_several_threads_at_once_is_reported_once_at_least) {
  const auto several = [] {
    conc::runtime r({.processors = 3});
    std::atomic<int> ready{0};
    std::vector<conc::thread> all;
    for (int i = 0; i < 3; ++i) {
      all.push_back(r.spawn([&] {
        ++ready;
        while (ready < 3) conc::this_thread::yield();
        dive();
      }));
    }
    for (auto& t : all) t.join();
  };
  EXPECT_EXIT(several(), of_the_fault, "conc: fatal: stack overflow in thread");
}

void write_to(std::uintptr_t address) {
  asm volatile("" : "+r"(address));  // the compiler must not know better
  *reinterpret_cast<volatile char*>(address) = 1;
}

#if !defined(CONC_ASAN) && !defined(CONC_TSAN)  // which report these faults themselves
// What a test finds in standard error if there was no report.
#define CONC_NO_REPORT "^[^c]*$"

TEST_F(OverflowDeathTest, a_wild_pointer_is_no_overflow) {
  EXPECT_EXIT(conc::thread([] { write_to(16); }).join(), testing::KilledBySignal(SIGSEGV),
              CONC_NO_REPORT);
  EXPECT_EXIT(conc::thread([] { write_to(std::uintptr_t{0xdead} << 48); }).join(),
              testing::KilledBySignal(SIGSEGV), CONC_NO_REPORT);
  // On a kernel thread of the program's, with a runtime about.
  const auto elsewhere = [] {
    conc::thread([] {}).join();
    std::thread([] { write_to(16); }).join();
  };
  EXPECT_EXIT(elsewhere(), testing::KilledBySignal(SIGSEGV), CONC_NO_REPORT);
  // In the guard of somebody else.
  const auto neighbour = [] {
    std::uintptr_t other = 0;
    conc::thread waits([&] {
      volatile char here = 0;
      other = reinterpret_cast<std::uintptr_t>(&here);
      conc::this_thread::sleep_for(std::chrono::minutes(1));
    });
    conc::thread([&] {
      while (other == 0) conc::this_thread::yield();
      const std::uintptr_t top = (other + 4095) / 4096 * 4096;
      for (std::uintptr_t at = top - 4096; at > top - (1 << 20); at -= 4096) write_to(at);
    }).join();
  };
  EXPECT_EXIT(neighbour(), testing::KilledBySignal(SIGSEGV), CONC_NO_REPORT);
}

// The thread's own guard, or a fault on a stack that the program has put below the thread's:
// neither has anything to do with how deep the thread is.
TEST_F(OverflowDeathTest, a_wild_pointer_near_the_stack_is_no_overflow) {
  const auto own_guard = [] {
    volatile char here = 0;
    const auto page = reinterpret_cast<std::uintptr_t>(&here) / 4096 * 4096;
    for (std::uintptr_t at = page - 4096; at > page - (1 << 20); at -= 4096) write_to(at);
  };
  EXPECT_EXIT(conc::thread(own_guard).join(), testing::KilledBySignal(SIGSEGV), CONC_NO_REPORT);
  const auto on_another_stack = [] {
    constexpr std::size_t bytes = 64 << 10;
    static ucontext_t back, there;
    volatile char here = 0;
    void* below = MAP_FAILED;
    for (std::uintptr_t far = 1 << 20; far < 60 << 20 && below == MAP_FAILED; far += 1 << 20) {
      void* at =
          reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(&here) - far) / 4096 * 4096);
      below = mmap(at, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    }
    if (below == MAP_FAILED) raise(SIGSEGV);  // nothing to test
    getcontext(&there);
    there.uc_stack = {.ss_sp = below, .ss_flags = 0, .ss_size = bytes};
    there.uc_link = &back;
    makecontext(
        &there, [] { write_to(16); }, 0);
    swapcontext(&back, &there);
  };
  EXPECT_EXIT(conc::thread(on_another_stack).join(), testing::KilledBySignal(SIGSEGV),
              CONC_NO_REPORT);
}

TEST_F(OverflowDeathTest, a_signal_that_somebody_sends_is_no_overflow) {
  EXPECT_EXIT(conc::thread([] { raise(SIGSEGV); }).join(), testing::KilledBySignal(SIGSEGV),
              CONC_NO_REPORT);
  const auto ignored = [] {
    signal(SIGSEGV, SIG_IGN);
    conc::thread([] { raise(SIGSEGV); }).join();
    kill(getpid(), SIGSEGV);
    std::_Exit(6);
  };
  EXPECT_EXIT(ignored(), testing::ExitedWithCode(6), "");
  const auto but_not_a_fault = [] {
    signal(SIGSEGV, SIG_IGN);
    conc::thread([] { write_to(16); }).join();
  };
  EXPECT_EXIT(but_not_a_fault(), testing::KilledBySignal(SIGSEGV), CONC_NO_REPORT);
}
#endif

// --- a handler that was there before ------------------------------------------------------------

void say(const char* text) { [[maybe_unused]] const auto n = write(2, text, std::strlen(text)); }

void plain_handler(int) {
  say("the program's own handler\n");
  _exit(5);
}
void* expected_address = nullptr;
void detailed_handler(int, siginfo_t* info, void* context) {
  if (context != nullptr && info->si_addr == expected_address) say("with the right address\n");
  _exit(5);
}

void handle_faults(void (*plain)(int), void (*detailed)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  if (plain != nullptr) action.sa_handler = plain;
  if (detailed != nullptr) action.sa_sigaction = detailed;
  action.sa_flags = SA_ONSTACK | (detailed != nullptr ? SA_SIGINFO : 0);
  sigaction(SIGSEGV, &action, nullptr);
}

TEST_F(OverflowDeathTest, an_earlier_handler_gets_what_is_no_overflow) {
  const auto plain = [] {
    handle_faults(plain_handler, nullptr);
    conc::thread([] { write_to(16); }).join();
  };
  EXPECT_EXIT(plain(), testing::ExitedWithCode(5), "^the program's own handler\n$");
  const auto detailed = [] {
    expected_address = reinterpret_cast<void*>(48);
    handle_faults(nullptr, detailed_handler);
    conc::thread([] { write_to(48); }).join();
  };
  EXPECT_EXIT(detailed(), testing::ExitedWithCode(5), "^with the right address\n$");
}

sigjmp_buf before_the_fault;

// On a kernel thread of the program's, where a handler may do so.
TEST_F(OverflowDeathTest, an_earlier_handler_may_leave_by_a_jump) {
  const auto leaves = [] {
    struct sigaction action {};
    action.sa_handler = [](int) { siglongjmp(before_the_fault, 1); };
    action.sa_flags = SA_NODEFER;
    sigaction(SIGSEGV, &action, nullptr);
    conc::thread([] {}).join();
    std::thread([] {
      static int jumps = 0;
      // The mask is not restored: it has not changed.
      if (sigsetjmp(before_the_fault, 0) != 0) ++jumps;
      if (jumps < 3) write_to(16);
    }).join();
    std::_Exit(5);
  };
  EXPECT_EXIT(leaves(), testing::ExitedWithCode(5), "");
}

TEST_F(OverflowDeathTest, an_earlier_handler_for_one_signal_gets_one) {
  const auto again = [] {
    struct sigaction action {};
    action.sa_handler = [](int) { say("once\n"); };
    action.sa_flags = SA_ONSTACK | static_cast<int>(SA_RESETHAND);
    sigaction(SIGSEGV, &action, nullptr);
    conc::thread([] { write_to(16); }).join();
  };
  EXPECT_EXIT(again(), of_the_fault, "^once\n(==|$)");
}

TEST_F(OverflowDeathTest, an_earlier_handler_runs_after_the_report) {
  const auto both = [] {
    handle_faults(plain_handler, nullptr);
    conc::thread({.name = "diver"}, dive).join();
  };
  EXPECT_EXIT(both(), testing::ExitedWithCode(5),
              "stack overflow in thread [0-9]+ \"diver\"(.*\n)*the program's own handler");
}

}  // namespace
