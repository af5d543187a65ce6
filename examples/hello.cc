// Ten thousand threads wait for each other. All but one are user-level threads; the last is a
// kernel thread, and it uses the same mutex and the same condition variable.
#include <conc/conc.h>

#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

int main() {
  constexpr int everybody = 10'000;
  conc::mutex lock;
  conc::condition_variable complete;
  int here = 0;

  const auto meet = [&] {
    std::unique_lock held(lock);
    if (++here == everybody) complete.notify_all();
    complete.wait(held, [&] { return here == everybody; });
  };

  std::vector<conc::thread> threads;
  for (int i = 1; i < everybody; ++i) threads.emplace_back(meet);
  std::thread kernel_thread(meet);

  for (conc::thread& t : threads) t.join();
  kernel_thread.join();
  std::printf("ok: %d threads have met\n", here);
}
