// Dining philosophers: n of them, n forks between them, and two forks to a meal.
//
// If everybody takes the left fork and waits for the right one, nobody ever eats. Four conditions
// make that deadlock: a fork is one philosopher's alone, he holds one while he waits for another,
// nobody takes it from him, and the waiting closes a circle. Each remedy below denies one of them.
//
// Checked: no fork is in two hands, and everybody eats.
#include <conc/conc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

struct manners {
  explicit manners(unsigned n) : seats(n), forks(n) {}
  virtual ~manners() = default;

  virtual void take(unsigned who) = 0;
  virtual void give_back(unsigned who) {
    forks[left(who)].unlock();
    forks[right(who)].unlock();
  }

  unsigned left(unsigned who) const { return who; }
  unsigned right(unsigned who) const { return (who + 1) % seats; }

  const unsigned seats;
  std::vector<conc::mutex> forks;
  std::atomic<std::uint64_t> retries{0};
};

// Left, then right, and the last philosopher the other way round. So everybody takes the fork with
// the lower number first, and a circle would need somebody who does not.
struct one_reversed : manners {
  using manners::manners;
  void take(unsigned who) override {
    const auto [first, second] = std::minmax({left(who), right(who)});
    forks[first].lock();
    forks[second].lock();
  }
};

// Even ones begin on their left, odd ones on their right: neighbours reach for the fork between
// them first, or last, and again no circle can close.
struct alternating : manners {
  using manners::manners;
  void take(unsigned who) override {
    forks[who % 2 == 0 ? left(who) : right(who)].lock();
    forks[who % 2 == 0 ? right(who) : left(who)].lock();
  }
};

// A waiter lets one philosopher at a time reach for forks: nobody else holds one and waits. Simple,
// and it shows in the figures: while the one waits for a neighbour, all wait for the waiter.
struct one_waiter : manners {
  using manners::manners;
  void take(unsigned who) override {
    const std::lock_guard attended(waiter);
    forks[left(who)].lock();
    forks[right(who)].lock();
  }
  conc::mutex waiter;
};

// One seat is always empty, so that at the table somebody finds both forks: no full circle.
struct room_of_all_but_one : manners {
  explicit room_of_all_but_one(unsigned n) : manners(n), room(n - 1) {}
  void take(unsigned who) override {
    room.acquire();
    forks[left(who)].lock();
    forks[right(who)].lock();
  }
  void give_back(unsigned who) override {
    manners::give_back(who);
    room.release();
  }
  conc::counting_semaphore<> room;
};

// A monitor: both forks at once or none. The forks are no locks here, only a condition on the
// neighbours, and each philosopher waits for his own.
struct both_at_once : manners {
  explicit both_at_once(unsigned n) : manners(n), eating(n), may_eat(n) {}
  void take(unsigned who) override {
    std::unique_lock inside(monitor);
    may_eat[who].wait(inside, [&] { return !eating[before(who)] && !eating[right(who)]; });
    eating[who] = true;
  }
  void give_back(unsigned who) override {
    const std::lock_guard inside(monitor);
    eating[who] = false;
    may_eat[before(who)].notify_one();
    may_eat[right(who)].notify_one();
  }
  unsigned before(unsigned who) const { return (who + seats - 1) % seats; }

  conc::mutex monitor;
  std::vector<bool> eating;
  std::vector<conc::condition_variable> may_eat;
};

// The same room as a monitor: who finds all seats but one taken waits for somebody to leave.
struct room_as_monitor : manners {
  using manners::manners;
  void take(unsigned who) override {
    {
      const conc::guard inside(room);
      if (++seated == seats) seat_free.wait();  // is handed the seat, and need not look again
    }
    forks[left(who)].lock();
    forks[right(who)].lock();
  }
  void give_back(unsigned who) override {
    manners::give_back(who);
    const conc::guard inside(room);
    --seated;
    seat_free.signal();
  }
  conc::hoare_monitor room;
  conc::hoare_monitor::condition seat_free{room};
  unsigned seated = 0;
};

// The banker has the forks. Each philosopher claims two, and is given the first only if everybody
// could still end his meal.
struct banker : manners {
  explicit banker(unsigned n, conc::allocation how = conc::allocation::avoidance)
      : manners(n), bank(std::vector<unsigned>(n, 1), how) {
    for (unsigned i = 0; i < n; ++i) {
      fork.emplace_back(n)[i] = 1;
    }
    for (unsigned i = 0; i < n; ++i) {
      std::vector<unsigned> claim = fork[left(i)];
      claim[right(i)] = 1;
      guests.emplace_back(bank, claim);
    }
  }
  void take(unsigned who) override {
    guests[who].request(fork[left(who)]);
    guests[who].request(fork[right(who)]);
  }
  void give_back(unsigned who) override {
    guests[who].release(fork[left(who)]);
    guests[who].release(fork[right(who)]);
  }
  std::vector<std::vector<unsigned>> fork;  // as an amount
  conc::resource_allocator bank;
  std::deque<conc::resource_allocator::client> guests;
};

// Nobody prevents anything. But somebody watches, and when there is a circle one of those in it is
// told to put his fork back, which he hears at the end of his patience.
struct detector : banker {
  explicit detector(unsigned n) : banker(n, conc::allocation::detection) {
    for (unsigned i = 0; i < n; ++i) pauses.emplace_back(i);
  }
  void take(unsigned who) override {
    for (;;) {
      guests[who].request(fork[left(who)]);
      do {
        if (guests[who].request_for(fork[right(who)], std::chrono::milliseconds(1))) return;
      } while (!is_told(who));
      guests[who].release(fork[left(who)]);
      retries.fetch_add(1, std::memory_order_relaxed);
      pauses[who].pause(10);
    }
  }
  bool is_told(unsigned who) {
    const conc::resource_allocator::client* me = &guests[who];
    return victim.compare_exchange_strong(me, nullptr);
  }
  std::vector<examples::pause_maker> pauses;
  std::atomic<const conc::resource_allocator::client*> victim{nullptr};
  conc::jthread watch{[this](std::stop_token stop) {
    while (!stop.stop_requested()) {
      if (const auto stuck = bank.detect(); !stuck.empty()) victim = stuck.front();
      conc::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  }};
};

// Take one, try the other, put the first back if that fails. Nobody waits with a fork in his hand;
// but if all did so in step, all would fail for ever: a livelock. Hence the pause of random length,
// longer after each failure.
struct try_and_release : manners {
  explicit try_and_release(unsigned n) : manners(n) {
    for (unsigned i = 0; i < n; ++i) pauses.emplace_back(i);
  }
  void take(unsigned who) override {
    for (unsigned longest = 1;; longest = std::min(2 * longest, 64u)) {
      forks[left(who)].lock();
      if (forks[right(who)].try_lock()) return;
      forks[left(who)].unlock();
      retries.fetch_add(1, std::memory_order_relaxed);
      pauses[who].pause(longest);
    }
  }
  std::vector<examples::pause_maker> pauses;
};

// No remedy. The latch arranges the unlucky moment, which otherwise comes when nobody is looking:
// everybody has a left fork before anybody reaches for the right one.
struct naive : manners {
  explicit naive(unsigned n) : manners(n), unlucky_moment(n), holds(n) {}
  void take(unsigned who) override {
    forks[left(who)].lock();
    holds[who] = true;
    unlucky_moment.arrive_and_wait();
    forks[right(who)].lock();
  }
  conc::latch unlucky_moment;
  std::vector<std::atomic<bool>> holds;
};

struct evening {
  std::uint64_t meals = 0, least = ~std::uint64_t{0}, most = 0;
  double seconds = 0;
};

evening dine(manners& table, unsigned kernel_threads, double seconds) {
  constexpr int nobody = -1;
  const unsigned n = table.seats;
  std::vector<std::atomic<int>> hand(n);  // which hand each fork is in, as the check sees it
  for (auto& h : hand) h = nobody;
  std::vector<std::uint64_t> meals(n);
  examples::roll_call fed;
  examples::stop_flag stop{false};

  const auto take = [&](unsigned fork, int who) {
    if (const int other = hand[fork].exchange(who); other != nobody) {
      fail("fork %u is in the hands of philosophers %d and %d", fork, other, who);
    }
  };
  const auto start = examples::clock::now();
  examples::crew philosophers(n, kernel_threads, [&](unsigned who) {
    examples::pause_maker pauses(who);
    while (!stop.load(std::memory_order_relaxed)) {
      pauses.pause(3);  // thinks
      table.take(who);
      take(table.left(who), static_cast<int>(who));
      take(table.right(who), static_cast<int>(who));
      pauses.pause(2);  // eats
      hand[table.left(who)] = nobody;
      hand[table.right(who)] = nobody;
      table.give_back(who);
      if (++meals[who] == 1) fed.present();
    }
  });
  fed.wait_for(n, "philosophers", "have eaten");
  examples::sleep_until(start, seconds);
  stop = true;
  philosophers.join();

  evening e;
  e.seconds = examples::seconds_since(start);
  for (const std::uint64_t m : meals) {
    e.meals += m;
    e.least = std::min(e.least, m);
    e.most = std::max(e.most, m);
  }
  return e;
}

// Nobody eats within the time. Is that a deadlock, or are they only slow? The circle decides.
void show_the_deadlock(unsigned n, unsigned kernel_threads, double seconds) {
  naive table(n);
  conc::counting_semaphore<> meals(0);
  const examples::crew philosophers(n, kernel_threads, [&](unsigned who) {
    table.take(who);
    meals.release();
    table.give_back(who);
  });
  table.unlucky_moment.wait();
  const std::chrono::duration<double> patience(seconds);
  if (meals.try_acquire_for(patience)) fail("somebody ate at the naive table");
  std::printf("Nobody has eaten for %.1f s. Who waits for whom?\n", seconds);
  for (unsigned who = 0; who < n; ++who) {
    if (!table.holds[who]) fail("philosopher %u has no fork: he is late, not deadlocked", who);
    if (who < 4 || who == n - 1) {
      std::printf("  philosopher %u has fork %u, waits for fork %u, which philosopher %u has\n",
                  who, table.left(who), table.right(who), (who + 1) % n);
    } else if (who == 4) {
      std::puts("  and so on");
    }
  }
  std::puts("The last one waits for the first: a circle. None of them will ever move again.");
  std::puts("ok: the naive table deadlocked, as it must");
  std::fflush(stdout);
  std::_Exit(0);  // its threads cannot be joined
}

struct variant {
  const char* name;
  const char* denies;
  std::unique_ptr<manners> (*lay)(unsigned n);
};

template <class Manners>
std::unique_ptr<manners> lay(unsigned n) {
  return std::make_unique<Manners>(n);
}

constexpr std::array variants{
    variant{"ordered", "the circle", lay<one_reversed>},
    variant{"alternate", "the circle", lay<alternating>},
    variant{"waiter", "hold and wait", lay<one_waiter>},
    variant{"room", "the circle", lay<room_of_all_but_one>},
    variant{"monitor4", "the circle", lay<room_as_monitor>},
    variant{"monitor", "hold and wait", lay<both_at_once>},
    variant{"avoid", "the circle", lay<banker>},
    variant{"detect", "no taking away", lay<detector>},
    variant{"try", "hold and wait", lay<try_and_release>},
};

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const double seconds = given.seconds(1, "for each variant");
  const unsigned n = given.number("threads", 50, "philosophers", 2);
  const unsigned kernel = given.number("kernel-threads", 2, "of them on kernel threads", 0);
  const std::string wanted = given.text("variant", "all", "one of them; naive deadlocks");
  given.finish();
  if (wanted == "naive") show_the_deadlock(n, kernel, seconds);
  const auto is_wanted = [&](const variant& v) { return wanted == "all" || wanted == v.name; };
  if (std::none_of(variants.begin(), variants.end(), is_wanted)) {
    examples::options::refuse("--variant " + wanted, "names no variant");
  }

  std::printf("%u philosophers, %u of them on kernel threads\n", n, std::min(n, kernel));
  std::printf("%-9s  %-14s %10s %10s %10s %10s\n", "variant", "denies", "meals/s", "fewest", "most",
              "retries");
  for (const variant& v : variants) {
    if (!is_wanted(v)) continue;
    const auto table = v.lay(n);
    const evening e = dine(*table, kernel, seconds);
    std::printf("%-9s  %-14s %10.0f %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n", v.name, v.denies,
                static_cast<double>(e.meals) / e.seconds, e.least, e.most, table->retries.load());
  }
  std::puts("ok: no fork was in two hands, and everybody ate");
}
