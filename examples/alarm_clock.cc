// The alarm clock: sleepers ask to be woken so many ticks from now, and one monitor wakes them all.
//
// It is the example for a wait with a priority: sleepers queue by the tick at which they want to be
// woken, so the clock looks at the first of them only. The monitor is Hoare's: a signal hands it
// over, hence a sleeper finds the clock at the very tick that it asked for.
//
// Checked: nobody is woken early or late by a single tick, and everybody is.
// Source: Hoare, "Monitors: an operating system structuring concept", 1974.
#include <conc/conc.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <random>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

class alarm_clock {
 public:
  // Returns the tick at which the caller has been woken.
  std::uint64_t sleep(std::uint64_t ticks, std::uint64_t& due) {
    const conc::guard inside(monitor_);
    due = now_ + ticks;
    if (ticks > 0) sleepers_.wait(due);
    return now_;
  }
  void tick() {
    const conc::guard inside(monitor_);
    ++now_;
    while (!sleepers_.empty() && sleepers_.least_rank() <= now_) sleepers_.signal();
  }

 private:
  conc::hoare_monitor monitor_;
  conc::hoare_monitor::condition sleepers_{monitor_};
  std::uint64_t now_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const unsigned threads = given.number("threads", 1000, "sleepers");
  const unsigned kernel = given.number("kernel-threads", 2, "of them on kernel threads", 0);
  const unsigned naps = given.number("naps", 50, "of each sleeper");
  const unsigned longest = given.number("longest", 20, "nap, in ticks");
  given.finish();

  alarm_clock clock;
  examples::stop_flag stop{false};
  std::uint64_t ticks = 0;
  const auto start = examples::clock::now();
  examples::crew ticker(1, 0, [&](unsigned) {
    for (; !stop.load(std::memory_order_relaxed); ++ticks) {
      clock.tick();
      conc::this_thread::yield();
    }
  });
  examples::crew(threads, kernel, [&](unsigned me) {
    std::minstd_rand random(me + 1);
    for (unsigned i = 0; i < naps; ++i) {
      std::uint64_t due = 0;
      const std::uint64_t woken = clock.sleep(random() % (longest + 1), due);
      if (woken != due) {
        examples::fail("sleeper %u was to be woken at %" PRIu64 " and was at %" PRIu64, me, due,
                       woken);
      }
    }
  }).join();
  stop = true;
  ticker.join();
  std::printf("ok: %u sleepers were woken %u times each at their very ticks, of %" PRIu64
              "; %.0f naps/s\n",
              threads, naps, ticks, 1.0 * threads * naps / examples::seconds_since(start));
}
