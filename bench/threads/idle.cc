// What a runtime costs that has nothing to do: two processors, a thousand threads that wait.
//
//   idle_10s              nanoseconds of CPU time a second; beside it, how often any of its kernel
//                         threads gave up or lost a CPU in the ten seconds
#include <sys/resource.h>

#include <vector>

#include "support/peers.h"
#include "support/per_operation.h"
#include "threads/figures.h"

namespace bench {
namespace {

double kernel_switches(int whose) {
  rusage used{};
  getrusage(whose, &used);
  return static_cast<double>(used.ru_nvcsw + used.ru_nivcsw);
}

// Without the measuring thread's own.
double switches_of_others() {
  return kernel_switches(RUSAGE_SELF) - kernel_switches(RUSAGE_THREAD);
}

reading idle() {
  constexpr int seconds = 10;
  conc::counting_semaphore<> over(0);
  conc::runtime r({.processors = 2});
  std::vector<conc::thread> all;
  for (int i = 0; i < 1000; ++i) all.push_back(r.spawn([&] { over.acquire(); }));
  while (over.value() != -1000) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const double switches_before = switches_of_others();
  const nanos cpu_before = process_cpu();
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const auto cpu = static_cast<double>(process_cpu() - cpu_before);
  const double switches = switches_of_others() - switches_before;
  over.release(1000);
  for (auto& t : all) t.join();
  return {.time = cpu / seconds, .beside = {{"kernel_switches", switches}}};
}

}  // namespace

void idle_figures() { figure("idle_10s/conc, 2 processors", idle)->Repetitions(1); }

}  // namespace bench
