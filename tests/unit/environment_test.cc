// The options of a runtime and the environment variables that set them.
#include "sched/environment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <system_error>

#include "conc/io.h"
#include "conc/runtime.h"
#include "support/death.h"
#include "support/files_of_process.h"

namespace {

using namespace std::chrono_literals;

// Sets variables for the life of the object, and none of the others that conc reads.
class environment {
 public:
  environment(std::initializer_list<std::pair<const char*, const char*>> variables) {
    for (const char* name : names) {
      if (const char* old = std::getenv(name)) saved_.emplace_back(name, old);
      unsetenv(name);
    }
    for (const auto& [name, value] : variables) setenv(name, value, 1);
  }
  ~environment() {
    for (const char* name : names) unsetenv(name);
    for (const auto& [name, value] : saved_) setenv(name.c_str(), value.c_str(), 1);
  }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;

 private:
  static constexpr const char* names[] = {"CONC_PROCS", "CONC_POLICY", "CONC_TIME_SLICE_US",
                                          "CONC_IO"};
  std::vector<std::pair<std::string, std::string>> saved_;
};

// The error that a runtime with these options reports, and its words.
std::pair<std::error_code, std::string> error_of(conc::runtime_options options) {
  try {
    conc::runtime r(options);
    return {};
  } catch (const std::system_error& e) {
    return {e.code(), e.what()};
  }
}

TEST(environment, sets_the_number_of_processors) {
  const environment e{{"CONC_PROCS", "3"},
                      {"CONC_POLICY", "work_stealing"},
                      {"CONC_IO", "uring"},
                      {"CONC_TIME_SLICE_US", "0"}};
  EXPECT_EQ(conc::runtime().processors(), 3u);
  EXPECT_EQ(conc::runtime({.processors = 2}).processors(), 2u) << "an explicit option wins";
}

TEST(environment, without_it_there_are_as_many_processors_as_usable_cpus) {
  const environment e{};
  EXPECT_EQ(conc::runtime().processors(), conc::thread::hardware_concurrency());
}

TEST(environment, nonsense_is_an_error_that_names_the_variable) {
  for (const char* bad : {"", "0", "-1", "two", "3x", " 3", "1025", "99999999999999999999"}) {
    const environment e{{"CONC_PROCS", bad}};
    const auto [code, words] = error_of({});
    EXPECT_EQ(code, std::errc::invalid_argument) << '"' << bad << '"';
    EXPECT_NE(words.find("CONC_PROCS"), std::string::npos) << words;
    // Also where an option takes its place: a bad value is never ignored.
    EXPECT_EQ(error_of({.processors = 1}).first, std::errc::invalid_argument) << bad;
  }
  for (const char* bad : {"-5", "fast", "1.5"}) {
    const environment e{{"CONC_TIME_SLICE_US", bad}};
    EXPECT_EQ(error_of({}).first, std::errc::invalid_argument) << bad;
  }
  for (const char* variable : {"CONC_POLICY", "CONC_IO"}) {
    const environment e{{variable, "no such thing"}};
    const auto [code, words] = error_of({});
    EXPECT_EQ(code, std::errc::invalid_argument);
    EXPECT_NE(words.find(variable), std::string::npos) << words;
  }
}

TEST(environment, what_this_version_lacks_is_said_to_be_missing) {
  for (const char* policy : {"fifo", "round_robin", "sjf", "stcf", "mlfq", "lottery", "batch"}) {
    const environment e{{"CONC_POLICY", policy}};
    EXPECT_EQ(error_of({}).first, std::errc::not_supported) << policy;
  }
  using conc::policy;
  for (const policy p : {policy::fifo(), policy::round_robin(), policy::sjf(), policy::stcf(),
                         policy::mlfq({.levels = 2}), policy::lottery(7), policy::batch()}) {
    EXPECT_EQ(error_of({.policy = p}).first, std::errc::not_supported);
    EXPECT_NE(p, policy());
  }
  {
    const environment e{{"CONC_POLICY", "fifo"}};
    EXPECT_EQ(error_of({.policy = policy::work_stealing()}).first, std::error_code())
        << "the option wins";
    EXPECT_EQ(error_of({.policy = policy()}).first, std::errc::not_supported) << "none was named";
  }
  {
    const environment e{{"CONC_POLICY", "no such thing"}};
    EXPECT_EQ(error_of({.policy = policy::work_stealing()}).first, std::errc::invalid_argument);
  }
  {
    const environment e{{"CONC_TIME_SLICE_US", "1000"}};
    EXPECT_EQ(error_of({}).first, std::errc::not_supported);
    EXPECT_EQ(error_of({.time_slice = 0us}).first, std::error_code()) << "the option wins";
  }
}

TEST(environment, names_the_engine_of_io) {
  for (const char* name : {"uring", "epoll"}) {
    const environment e{{"CONC_IO", name}};
    EXPECT_EQ(error_of({}).first, std::error_code()) << name;
  }
}

TEST(runtime_options, are_checked) {
  const environment e{};
  EXPECT_EQ(error_of({.processors = 1025}).first, std::errc::invalid_argument);
  EXPECT_EQ(error_of({.processors = 1, .time_slice = -1us}).first, std::errc::invalid_argument);
  EXPECT_EQ(error_of({.processors = 1, .time_slice = 500us}).first, std::errc::not_supported);
  EXPECT_EQ(error_of({.processors = 1, .stack_size = std::size_t{1} << 50}).first,
            std::errc::invalid_argument);
  using layout = conc::queue_layout;
  for (const layout other : {layout::global, layout::per_cpu, layout::per_cpu_migrating}) {
    EXPECT_EQ(error_of({.processors = 1, .queues = other}).first, std::error_code{});
  }
  EXPECT_EQ(
      error_of({.processors = 1, .policy = conc::policy::work_stealing(), .time_slice = 0us}).first,
      std::error_code());
  EXPECT_EQ(conc::policy(), conc::policy::work_stealing());
}

// The default runtime can be configured once, before its first use; hence a process of its own.
using DefaultRuntimeDeathTest = conc_test::death_test;

TEST_F(DefaultRuntimeDeathTest, is_configured_before_its_first_use_or_not_at_all) {
  EXPECT_EXIT(
      {
        const environment e{};
        conc::runtime::configure_default({.processors = 3});
        const unsigned n = conc::runtime::current().processors();
        try {
          conc::runtime::configure_default({.processors = 2});
        } catch (const std::system_error& error) {
          if (n == 3 && error.code() == std::errc::operation_not_permitted) _Exit(7);
        }
      },
      testing::ExitedWithCode(7), "");
  EXPECT_EXIT(
      {
        const environment e{};
        try {
          conc::runtime::configure_default({.processors = 5'000});
        } catch (const std::system_error& error) {
          if (error.code() == std::errc::invalid_argument) _Exit(8);
        }
      },
      testing::ExitedWithCode(8), "");
}

// A kernel thread's call with a deadline waits in the default runtime, which does its I/O as the
// environment says, like any other. Ends the process with the call's error, and 100 more for each
// ring.
[[noreturn]] void exit_after_a_limited_read(const char* engine) {
  const environment e{{"CONC_IO", engine}};
  int ends[2];
  if (::pipe(ends) != 0) _Exit(1);
  std::byte b;
  std::error_code error;
  conc::io::read(ends[0], {&b, 1}, error, {.deadline = 1ms});
  _Exit(error.value() + 100 * static_cast<int>(conc_test::rings()));
}

TEST_F(DefaultRuntimeDeathTest, does_the_io_of_kernel_threads_as_the_environment_says) {
  EXPECT_EXIT(exit_after_a_limited_read("epoll"), testing::ExitedWithCode(ETIMEDOUT), "");
  EXPECT_EXIT(exit_after_a_limited_read("no such thing"), testing::ExitedWithCode(EINVAL), "");
}

// Leaving main() does not wait for detached threads of the default runtime.
TEST_F(DefaultRuntimeDeathTest, does_not_keep_the_process_alive) {
  EXPECT_EXIT(
      {
        conc::thread([] { conc::this_thread::sleep_for(10min); }).detach();
        conc::thread([] {
          for (;;) conc::this_thread::yield();
        }).detach();
        std::exit(9);
      },
      testing::ExitedWithCode(9), "");
}

}  // namespace
