// The sleeping barbers: a shop with a few barbers and a few chairs to wait on.
//
// A barber without a customer sleeps. A customer wakes one if all who are free sleep, waits if a
// chair is free, and else goes away with his hair as long as it was. Two shops, the same rules:
// one is built from semaphores, the other is a monitor.
//
// Checked: nobody is cut by two barbers, never more wait than there are chairs, everybody who came
// was served or turned away, and everybody gets his haircut in the end.
#include <conc/conc.h>

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

// One customer's visit. It lives on his stack and is gone as soon as he may leave, which can be
// before the barber's release() has returned. Here that is allowed.
struct visit {
  explicit visit(unsigned customer) : who(customer) {}

  const unsigned who;
  std::atomic<int> barber{-1};
  conc::binary_semaphore may_leave{0};      // the semaphore shop's
  conc::monitor::condition* cut = nullptr;  // the monitor's, with what it says
  bool done = false;
};

struct shop {
  explicit shop(unsigned n) : chairs(n) {}
  virtual ~shop() = default;

  // The customer's side: false if he was turned away, else he has been served at the return.
  virtual bool enter(visit& me) = 0;
  // The barber's side: the next customer, or null when the shop has closed; and "you may go".
  virtual visit* call_next() = 0;
  virtual void finish(visit& customer) = 0;
  virtual void close(unsigned barbers) = 0;

  // Under the shop's lock.
  bool sit_down(visit& v) {
    if (waiting.size() == chairs) return false;
    waiting.push_back(&v);
    most_waiting = std::max(most_waiting, waiting.size());
    return true;
  }
  visit* stand_up() {
    visit* first = waiting.empty() ? nullptr : waiting.front();
    if (first != nullptr) waiting.pop_front();
    return first;
  }

  const unsigned chairs;
  conc::mutex lock;
  std::deque<visit*> waiting;
  std::size_t most_waiting = 0;
  std::atomic<std::uint64_t> naps{0};
};

// `customers` counts those who wait, so barbers sleep in acquire(); each customer brings a
// semaphore of his own, so that the barber can dismiss exactly the one whom he has cut.
struct semaphore_shop : shop {
  using shop::shop;
  bool enter(visit& me) override {
    {
      const std::lock_guard inside(lock);
      if (!sit_down(me)) return false;
    }
    customers.release();
    me.may_leave.acquire();
    return true;
  }
  visit* call_next() override {
    if (!customers.try_acquire()) {
      naps.fetch_add(1, std::memory_order_relaxed);
      customers.acquire();
    }
    const std::lock_guard inside(lock);
    return stand_up();  // nobody is there: it was close() that let us through
  }
  void finish(visit& customer) override { customer.may_leave.release(); }
  void close(unsigned barbers) override { customers.release(barbers); }

  conc::counting_semaphore<> customers{0};
};

// All state is inside the monitor, and every wait names its condition.
struct monitor_shop : shop {
  using shop::shop;
  bool enter(visit& me) override {
    const conc::guard inside(monitor);
    if (!sit_down(me)) return false;
    somebody_waits.signal();
    // A condition of his own, so that the barber dismisses the one whom he has cut.
    conc::monitor::condition cut(monitor);
    me.cut = &cut;
    while (!me.done) cut.wait();
    return true;
  }
  visit* call_next() override {
    const conc::guard inside(monitor);
    if (waiting.empty() && !closed) naps.fetch_add(1, std::memory_order_relaxed);
    while (waiting.empty() && !closed) somebody_waits.wait();
    return stand_up();
  }
  void finish(visit& customer) override {
    const conc::guard inside(monitor);
    customer.done = true;
    customer.cut->signal();
  }
  void close(unsigned) override {
    const conc::guard inside(monitor);
    closed = true;
    somebody_waits.broadcast();
  }

  conc::monitor monitor;
  conc::monitor::condition somebody_waits{monitor};
  bool closed = false;
};

struct day {
  std::uint64_t came = 0, served = 0, turned_away = 0;
  double seconds = 0;
};

day open(shop& s, unsigned barbers, unsigned customers, unsigned kernel_threads, double seconds) {
  std::atomic<std::uint64_t> came{0}, turned_away{0}, cuts{0};
  examples::roll_call groomed;
  examples::stop_flag stop{false};
  const auto start = examples::clock::now();

  examples::crew staff(barbers, kernel_threads, [&](unsigned b) {
    const int me = static_cast<int>(b);
    examples::pause_maker pauses(b);
    while (visit* customer = s.call_next()) {
      if (const int other = customer->barber.exchange(me); other != -1) {
        fail("customer %u is cut by barbers %d and %d", customer->who, other, me);
      }
      pauses.pause(2);  // cuts
      if (customer->barber != me) fail("barber %d's customer %u was taken over", me, customer->who);
      cuts.fetch_add(1, std::memory_order_relaxed);
      s.finish(*customer);
    }
  });
  examples::crew town(customers, kernel_threads, [&](unsigned who) {
    examples::pause_maker pauses(~who);
    for (bool first = true; !stop.load(std::memory_order_relaxed);) {
      pauses.pause(100);  // hair grows
      visit v(who);
      came.fetch_add(1, std::memory_order_relaxed);
      if (!s.enter(v)) {
        turned_away.fetch_add(1, std::memory_order_relaxed);
        continue;
      }
      if (v.barber == -1) fail("customer %u left the shop uncut", who);
      if (std::exchange(first, false)) groomed.present();
    }
  });
  groomed.wait_for(customers, "customers", "have had a haircut");
  examples::sleep_until(start, seconds);
  stop = true;
  town.join();
  s.close(barbers);
  staff.join();

  if (s.most_waiting > s.chairs) fail("%zu waited on %u chairs", s.most_waiting, s.chairs);
  if (came != cuts + turned_away) {
    fail("%" PRIu64 " came, %" PRIu64 " were served, %" PRIu64 " turned away", came.load(),
         cuts.load(), turned_away.load());
  }
  return {came, cuts, turned_away, examples::seconds_since(start)};
}

void report(const char* name, shop& s, const day& d) {
  std::printf("%-10s %10.0f %11" PRIu64 " %11" PRIu64 " %11" PRIu64 " %13zu %9" PRIu64 "\n", name,
              static_cast<double>(d.served) / d.seconds, d.came, d.served, d.turned_away,
              s.most_waiting, s.naps.load());
}

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const double seconds = given.seconds(1, "for each variant");
  const unsigned customers = given.number("threads", 200, "customers");
  const unsigned barbers = given.number("barbers", 3, "barbers");
  const unsigned chairs = given.number("chairs", 8, "chairs to wait on");
  const unsigned kernel = given.number("kernel-threads", 1, "of each on kernel threads", 0);
  const std::string wanted = given.text("variant", "all", "semaphores, monitor");
  given.finish();
  if (wanted != "all" && wanted != "semaphores" && wanted != "monitor") {
    examples::options::refuse("--variant " + wanted, "names no variant");
  }

  std::printf("%u barbers, %u chairs, %u customers; of each %u on kernel threads\n", barbers,
              chairs, customers, kernel);
  std::printf("%-10s %10s %11s %11s %11s %13s %9s\n", "variant", "cuts/s", "came", "served",
              "turned away", "most waiting", "naps");
  if (wanted != "monitor") {
    semaphore_shop s(chairs);
    report("semaphores", s, open(s, barbers, customers, kernel, seconds));
  }
  if (wanted != "semaphores") {
    monitor_shop s(chairs);
    report("monitor", s, open(s, barbers, customers, kernel, seconds));
  }
  std::puts(
      "ok: who came was served or turned away, nobody by two barbers, and all got their haircut");
}
