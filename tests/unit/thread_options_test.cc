// Every option of a thread and of a runtime: in which order, what is accepted, what is refused.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <system_error>
#include <type_traits>

#include "conc/debug.h"
#include "conc/runtime.h"
#include "support/error_of.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc_test::error_of;

// Members in this order and of these types, so that lists in braces mean what the manual says.
static_assert([] {
  auto [name, stack_size, priority, tickets, expected_run] = conc::thread_options{};
  return std::is_same_v<decltype(name), std::string> &&
         std::is_same_v<decltype(stack_size), std::size_t> &&
         std::is_same_v<decltype(priority), int> && std::is_same_v<decltype(tickets), unsigned> &&
         std::is_same_v<decltype(expected_run), std::chrono::nanoseconds> && stack_size == 0 &&
         priority == 0 && tickets == 1 && expected_run == 0ns;
}());
static_assert([] {
  const conc::runtime_options o{.processors = 0,
                                .policy = {},
                                .queues = {},
                                .time_slice = {},
                                .stack_size = 0,
                                .blocking_limit = 0};
  return o.policy == conc::policy::work_stealing() && o.queues == conc::queue_layout::stealing &&
         std::is_same_v<decltype(o.time_slice), std::optional<std::chrono::microseconds>>;
}());

std::string dump_of(const conc::runtime& r) {
  std::ostringstream out;
  r.dump(out);
  return out.str();
}

TEST(thread_options, a_name_is_what_a_dump_shows) {
  conc::runtime r({.processors = 2});
  const std::string long_name(10'000, 'n');
  for (const std::string& name : {std::string("reader"), std::string("zwölf"), long_name}) {
    r.run([&] {
      conc::thread t({.name = name},
                     [&] { EXPECT_NE(dump_of(r).find(name.substr(0, 50)), std::string::npos); });
      t.join();
      conc::jthread([&](std::stop_token) {}).join();
    });
  }
}

TEST(thread_options, a_stack_size_is_what_the_thread_has) {
  // Whole pages, and never less than one can start on.
  for (const std::size_t wish : {1ul, 4'096ul, 20'000ul, 1ul << 20, 200ul << 20, 1ul << 36}) {
    if (wish > 1ul << 28 && (conc_test::under_asan || conc_test::under_tsan)) continue;
    if (wish < 1ul << 16 && (conc_test::under_asan || conc_test::under_tsan)) continue;
    std::size_t got = 0;
    conc::thread({.stack_size = wish}, [&] { got = conc::this_thread::stack().reserved; }).join();
    EXPECT_GE(got, wish);
    EXPECT_LE(got, wish + 16'384);
    EXPECT_EQ(got % 4'096, 0u);
  }
  for (const std::size_t wish : {(1ul << 36) + 1, std::numeric_limits<std::size_t>::max()}) {
    bool began = false;
    const auto spawn = [&] { conc::thread({.stack_size = wish}, [&] { began = true; }).join(); };
    EXPECT_EQ(error_of(spawn), std::errc::invalid_argument);
    const auto spawn_jthread = [&] { conc::jthread({.stack_size = wish}, [&] { began = true; }); };
    EXPECT_EQ(error_of(spawn_jthread), std::errc::invalid_argument);
    EXPECT_FALSE(began);
  }
}

TEST(thread_options, what_policies_look_at_is_accepted_by_one_that_does_not) {
  conc::runtime r({.processors = 1});
  int ran = 0;
  for (const int priority : {0, 1, -1, std::numeric_limits<int>::max()}) {
    r.spawn({.priority = priority}, [&] { ++ran; }).join();
    r.run([&] { conc::jthread({.priority = priority}, [&] { ++ran; }); });
  }
  for (const unsigned tickets : {1u, 0u, std::numeric_limits<unsigned>::max()}) {
    r.spawn({.tickets = tickets, .expected_run = 3ms}, [&] { ++ran; }).join();
  }
  EXPECT_EQ(ran, 11);
}

TEST(thread_options, spawn_takes_them_as_a_constructor_does) {
  conc::runtime r({.processors = 2});
  const conc::thread_options kept{.name = "kept"};
  int sum = 0;
  r.spawn(
       kept, [&](int n) { sum += n; }, 1)
      .join();
  r.spawn(
       {.name = "n"}, [&](int n) { sum += n; }, 2)
      .join();
  r.spawn([&](int n) { sum += n; }, 4).join();
  EXPECT_EQ(sum, 7);
}

TEST(runtime_options, limits_of_numbers) {
  const auto make = [](conc::runtime_options options) {
    return error_of([&] { conc::runtime r(options); });
  };
  EXPECT_EQ(make({.processors = 1, .blocking_limit = 16'384}), std::error_code());
  EXPECT_EQ(make({.processors = 1, .blocking_limit = 16'385}), std::errc::invalid_argument);
  EXPECT_EQ(make({.processors = std::numeric_limits<unsigned>::max()}),
            std::errc::invalid_argument);
  EXPECT_EQ(make({.processors = 1, .queues = static_cast<conc::queue_layout>(4)}),
            std::errc::invalid_argument);
  EXPECT_EQ(make({.processors = 1, .stack_size = 1}), std::error_code());
}

// As many as there may be, far more than CPUs: they work, and go away again.
TEST(runtime_options, the_greatest_number_of_processors) {
  if (conc_test::under_asan || conc_test::under_tsan) GTEST_SKIP() << "too many kernel threads";
  conc::runtime r({.processors = 1'024});
  EXPECT_EQ(r.processors(), 1'024u);
  std::atomic<int> ran{0};
  r.run([&] {
    std::vector<conc::thread> all;
    for (int i = 0; i < 3'000; ++i) all.emplace_back([&] { ++ran; });
    for (auto& t : all) t.join();
  });
  EXPECT_EQ(ran, 3'000);
}

}  // namespace
