#include "sched/environment.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <system_error>

#include "locks/usable_cpus.h"
#include "sched/lending.h"
#include "threads/stack.h"

namespace conc::detail {
namespace {

[[noreturn]] void refuse(std::errc why, const std::string& what) {
  throw std::system_error(std::make_error_code(why), "conc: " + what);
}

// The variable as a whole number from `least` to `most`; empty if it is not set.
std::optional<unsigned> number_from(const char* variable, unsigned least, unsigned most) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return {};
  unsigned value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc{} || stop != end || value < least || value > most) {
    refuse(std::errc::invalid_argument, std::string(variable) + "=" + text +
                                            " is not a number from " + std::to_string(least) +
                                            " to " + std::to_string(most));
  }
  return value;
}

// By policy::kind.
constexpr const char* policy_names[] = {"work_stealing", "fifo", "round_robin", "sjf",
                                        "stcf",          "mlfq", "lottery",     "batch"};

void check_policy(policy::kind k, const char* from) {
  if (k == policy::kind::work_stealing) return;
  refuse(std::errc::not_supported, std::string(from) + policy_names[static_cast<std::size_t>(k)]);
}

// A name that is none is an error also where the program has chosen.
void check_policy_variable(bool decides) {
  const char* text = std::getenv("CONC_POLICY");
  if (text == nullptr) return;
  for (std::size_t k = 0; k < std::size(policy_names); ++k) {
    if (std::strcmp(text, policy_names[k]) != 0) continue;
    if (decides) check_policy(static_cast<policy::kind>(k), "CONC_POLICY=");
    return;
  }
  refuse(std::errc::invalid_argument, std::string("CONC_POLICY=") + text + " names no policy");
}

}  // namespace

io_choice io_choice_from_environment() {
  const char* text = std::getenv("CONC_IO");
  if (text == nullptr) return io_choice::open;
  if (std::strcmp(text, "uring") == 0) return io_choice::uring;
  if (std::strcmp(text, "epoll") == 0) return io_choice::epoll;
  refuse(std::errc::invalid_argument, std::string("CONC_IO=") + text + " names no engine");
}

runtime_options resolved(runtime_options options) {
  const auto processors = number_from("CONC_PROCS", 1, most_processors);
  const auto slice = number_from("CONC_TIME_SLICE_US", 0, 1'000'000'000);
  check_policy_variable(!options.policy.is_chosen());
  check_policy(options.policy.which(), "policy ");
  io_choice_from_environment();  // a wrong name is an error from the start

  if (options.processors == 0) options.processors = processors.value_or(usable_cpus());
  if (options.processors > most_processors) {
    refuse(std::errc::invalid_argument,
           "more than " + std::to_string(most_processors) + " processors");
  }
  if (options.blocking_limit == 0) options.blocking_limit = lending::default_limit;
  if (options.blocking_limit > lending::greatest_limit) {
    refuse(std::errc::invalid_argument,
           "a blocking_limit above " + std::to_string(lending::greatest_limit));
  }
  if (options.queues > queue_layout::per_cpu_migrating) {
    refuse(std::errc::invalid_argument, "no such layout of queues");
  }
  if (!options.time_slice.has_value() && slice.has_value()) {
    options.time_slice = std::chrono::microseconds(*slice);
  }
  if (options.time_slice.has_value()) {
    if (options.time_slice->count() < 0)
      refuse(std::errc::invalid_argument, "a negative time slice");
    if (options.time_slice->count() > 0) refuse(std::errc::not_supported, "preemption");
  }
  if (options.stack_size != 0) options.stack_size = checked_stack_size(options.stack_size);
  return options;
}

}  // namespace conc::detail
