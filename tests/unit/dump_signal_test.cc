// The signal that makes a process write down what all its threads do.
#include "sched/dump_signal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "support/death.h"
#include "support/eventually.h"

namespace {

using namespace std::chrono_literals;
using conc_test::eventually;

TEST(dump_signal, is_called_by_name_or_number) {
  using conc::detail::signal_called;
  EXPECT_EQ(signal_called("QUIT"), SIGQUIT);
  EXPECT_EQ(signal_called("SIGUSR1"), SIGUSR1);
  EXPECT_EQ(signal_called("3"), 3);
  EXPECT_EQ(signal_called("64"), 64);
  for (const char* bad : {"", "quit", "SIG", "SIGSIG", "0", "-3", "65", "3x", " 3"}) {
    EXPECT_EQ(signal_called(bad), 0) << '"' << bad << '"';
  }
}

std::error_code error_of(int number) {
  try {
    conc::dump_on_signal(number);
  } catch (const std::system_error& e) {
    return e.code();
  }
  return {};
}

TEST(dump_signal, that_cannot_be_is_refused) {
  for (const int bad : {0, -1, 65, 1'000, SIGKILL, SIGSTOP}) {
    EXPECT_EQ(error_of(bad), std::errc::invalid_argument) << bad;
  }
}

// Standard error, from here to the end of the object, as text.
class standard_error {
 public:
  standard_error() : saved_(dup(2)), file_(std::tmpfile()) { dup2(fileno(file_), 2); }
  ~standard_error() {
    dup2(saved_, 2);
    close(saved_);
    std::fclose(file_);
  }
  standard_error(const standard_error&) = delete;
  standard_error& operator=(const standard_error&) = delete;
  std::string text() const {
    std::string all(1 << 20, '\0');
    const ssize_t n = pread(fileno(file_), all.data(), all.size(), 0);
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }

 private:
  int saved_;
  std::FILE* file_;
};

std::size_t count(const std::string& all, const std::string& part) {
  std::size_t n = 0;
  for (auto at = all.find(part); at != std::string::npos; at = all.find(part, at + 1)) ++n;
  return n;
}

using DumpSignalDeathTest = conc_test::death_test;

// Ends the child well if the condition holds, and says what standard error had if not.
void leave(bool good, const std::string& seen) {
  if (good) std::_Exit(7);
  std::fprintf(stderr, "not what was expected:\n%s\n", seen.c_str());
  std::_Exit(1);
}

TEST_F(DumpSignalDeathTest, shows_the_threads_of_all_runtimes_and_the_process_goes_on) {
  EXPECT_EXIT(
      {
        conc::dump_on_signal(SIGUSR2);
        conc::dump_on_signal(SIGUSR2);
        conc::runtime a({.processors = 1});
        conc::runtime b({.processors = 2});
        conc::latch gate(1);
        conc::thread one = a.spawn(conc::thread_options{.name = "one"}, [&] { gate.wait(); });
        conc::thread two = b.spawn(conc::thread_options{.name = "two"}, [&] { gate.wait(); });
        bool good = conc_test::eventually_parked(&gate, 2);
        std::string seen;
        {
          const standard_error captured;
          for (std::size_t round = 1; round <= 3; ++round) {
            kill(getpid(), SIGUSR2);
            good = good && eventually([&] {
                     seen = captured.text();
                     return count(seen, "conc: that was all") == round;
                   });
          }
        }
        good = good && count(seen, "\"one\": waits for a conc::latch") == 3 &&
               count(seen, "\"two\": waits for a conc::latch") == 3;
        gate.count_down();
        one.join();
        two.join();
        leave(good, seen);
      },
      testing::ExitedWithCode(7), "");
}

// All carriers compute, and the signal finds one of them.
TEST_F(DumpSignalDeathTest, is_answered_when_no_carrier_is_free) {
  EXPECT_EXIT(
      {
        conc::runtime r({.processors = 2});
        conc::dump_on_signal(SIGQUIT);
        std::atomic<int> running{0};
        std::atomic<bool> stop{false};
        const auto hog = [&] {
          ++running;
          while (!stop) {
          }
        };
        conc::thread a = r.spawn(hog);
        conc::thread b = r.spawn(hog);
        bool good = eventually([&] { return running == 2; });
        std::string seen;
        {
          const standard_error captured;
          kill(getpid(), SIGQUIT);
          good = good && eventually([&] {
                   seen = captured.text();
                   return count(seen, "conc: that was all") == 1;
                 });
        }
        stop = true;
        a.join();
        b.join();
        leave(good && count(seen, "running on processor") == 2, seen);
      },
      testing::ExitedWithCode(7), "");
}

// Standard error is a pipe that is full, and whoever shares it does not want to wait.
TEST_F(DumpSignalDeathTest, is_written_whole_however_slowly_it_is_read) {
  EXPECT_EXIT(
      {
        conc::dump_on_signal(SIGUSR2);
        conc::runtime r({.processors = 1});
        conc::latch gate(1);
        std::vector<conc::thread> all;
        for (int i = 0; i < 300; ++i) all.push_back(r.spawn([&] { gate.wait(); }));
        bool good = conc_test::eventually_parked(&gate, 300);
        const int saved = dup(2);
        int ends[2];
        good = pipe2(ends, O_NONBLOCK) == 0 && good;
        fcntl(ends[1], F_SETPIPE_SZ, 4096);
        dup2(ends[1], 2);
        kill(getpid(), SIGUSR2);
        good = good && eventually([&] {
                 pollfd room{ends[1], POLLOUT, 0};
                 return poll(&room, 1, 0) == 0;
               });
        std::string seen;
        good = good && eventually([&] {
                 char part[4096];
                 const ssize_t n = read(ends[0], part, sizeof part);
                 if (n > 0) seen.append(part, static_cast<std::size_t>(n));
                 return count(seen, "conc: that was all") == 1;
               });
        dup2(saved, 2);
        gate.count_down();
        for (auto& t : all) t.join();
        leave(good && count(seen, "waits for a conc::latch") == 300, seen);
      },
      testing::ExitedWithCode(7), "");
}

volatile sig_atomic_t own_handler_ran = 0;

TEST_F(DumpSignalDeathTest, still_calls_the_handler_that_was_there_before) {
  EXPECT_EXIT(
      {
        signal(SIGUSR1, [](int) { own_handler_ran = 1; });
        conc::dump_on_signal(SIGUSR1);
        std::string seen;
        {
          const standard_error captured;
          raise(SIGUSR1);
          (void)eventually([&] {
            seen = captured.text();
            return count(seen, "conc: that was all") == 1;
          });
        }
        leave(own_handler_ran == 1 && count(seen, "conc: that was all") == 1, seen);
      },
      testing::ExitedWithCode(7), "");
}

TEST_F(DumpSignalDeathTest, is_set_by_the_environment) {
  EXPECT_EXIT(
      {
        setenv("CONC_DUMP_SIGNAL", "SIGQUIT", 1);
        conc::runtime r({.processors = 1});
        std::string seen;
        bool good;
        {
          const standard_error captured;
          kill(getpid(), SIGQUIT);
          good = eventually([&] {
            seen = captured.text();
            return count(seen, "conc: that was all") == 1;
          });
        }
        leave(good && count(seen, "1 processor\n") == 1, seen);
      },
      testing::ExitedWithCode(7), "");
  EXPECT_EXIT(
      {
        setenv("CONC_DUMP_SIGNAL", "SIGNONSENSE", 1);
        try {
          conc::runtime r({.processors = 1});
        } catch (const std::system_error& e) {
          const std::string what = e.what();
          leave(e.code() == std::errc::invalid_argument &&
                    what.find("CONC_DUMP_SIGNAL=SIGNONSENSE") != std::string::npos,
                what);
        }
      },
      testing::ExitedWithCode(7), "");
}

// Who did not ask for it keeps what the signal means to the system.
TEST_F(DumpSignalDeathTest, is_nobodys_unless_asked_for) {
  EXPECT_EXIT(
      {
        unsetenv("CONC_DUMP_SIGNAL");
        ::signal(SIGQUIT, SIG_DFL);  // a job in the background starts with it ignored
        conc::runtime r({.processors = 1});
        raise(SIGQUIT);
      },
      testing::KilledBySignal(SIGQUIT), "");
}

}  // namespace
