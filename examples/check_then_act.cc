// Check, then act: the race that no lock on the single steps prevents.
//
// A registry hands out one object for each name: look it up, and if it is not there, make it. A
// bank pays out if there is enough: look at the balance, then take the money. Where each step has
// the lock for itself, two threads may both look before either acts. The latch arranges that
// unlucky moment, which otherwise comes when nobody is looking.
//
// Checked: the careless versions go wrong at the unlucky moment, every time; the careful ones,
// which keep the lock from the look to the act, never do, money is neither made nor lost, and two
// transfers in opposite directions do not lock each other up.
#include <conc/conc.h>

#include <atomic>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

struct object {
  explicit object(std::atomic<unsigned>& made) { ++made; }
};

class registry {
 public:
  std::shared_ptr<object> careless(const std::string& name, conc::latch& unlucky_moment) {
    std::shared_ptr<object> found;
    {
      const std::lock_guard inside(lock_);
      found = objects_[name];
    }
    unlucky_moment.arrive_and_wait();
    if (found != nullptr) return found;
    found = std::make_shared<object>(made);
    const std::lock_guard inside(lock_);
    return objects_[name] = found;
  }
  std::shared_ptr<object> careful(const std::string& name) {
    const std::lock_guard inside(lock_);
    std::shared_ptr<object>& o = objects_[name];
    if (o == nullptr) o = std::make_shared<object>(made);
    return o;
  }

  std::atomic<unsigned> made{0};

 private:
  conc::mutex lock_;
  std::map<std::string, std::shared_ptr<object>> objects_;
};

struct account {
  conc::mutex lock;
  long balance = 0;
};

bool careless_withdrawal(account& a, long amount, conc::latch& unlucky_moment) {
  bool enough;
  {
    const std::lock_guard inside(a.lock);
    enough = a.balance >= amount;
  }
  unlucky_moment.arrive_and_wait();
  if (!enough) return false;
  const std::lock_guard inside(a.lock);
  a.balance -= amount;
  return true;
}

// std::scoped_lock takes both without ever holding one while it waits for the other.
bool transfer(account& from, account& to, long amount) {
  const std::scoped_lock both(from.lock, to.lock);
  if (from.balance < amount) return false;
  from.balance -= amount;
  to.balance += amount;
  return true;
}

void show_the_race(unsigned threads, unsigned kernel) {
  registry r;
  account a;
  a.balance = 100;
  conc::latch both_looked(threads), both_saw(threads);
  examples::crew(threads, kernel, [&](unsigned) {
    r.careless("the one and only", both_looked);
    careless_withdrawal(a, 100, both_saw);
  }).join();
  if (r.made != threads || a.balance != 100 - 100L * threads) {
    fail("the unlucky moment was survived: %u objects, balance %ld", r.made.load(), a.balance);
  }
  std::printf("careless: %u objects of one name, and a balance of %ld\n", r.made.load(), a.balance);
}

void be_careful(unsigned threads, unsigned kernel, unsigned rounds, unsigned names) {
  registry r;
  std::deque<account> accounts(names);
  for (account& a : accounts) a.balance = 100;
  std::atomic<unsigned> refused{0};
  examples::crew(threads, kernel, [&](unsigned me) {
    std::minstd_rand random(me + 1);
    examples::pause_maker pauses(me);
    for (unsigned i = 0; i < rounds; ++i) {
      const unsigned from = static_cast<unsigned>(random() % names);
      const unsigned to = (from + 1 + static_cast<unsigned>(random() % (names - 1))) % names;
      if (r.careful(std::to_string(from)) != r.careful(std::to_string(from))) {
        fail("two objects of the name %u", from);
      }
      if (!transfer(accounts[from], accounts[to], static_cast<long>(random() % 80))) ++refused;
      pauses.pause(1);
    }
  }).join();
  long sum = 0;
  for (unsigned i = 0; i < names; ++i) {
    if (accounts[i].balance < 0) fail("account %u has %ld", i, accounts[i].balance);
    sum += accounts[i].balance;
  }
  if (sum != 100L * names) fail("%ld became %ld", 100L * names, sum);
  if (r.made > names) fail("%u objects for %u names", r.made.load(), names);
  std::printf("careful: %u objects of %u names, %ld in %u accounts, %u transfers refused\n",
              r.made.load(), names, sum, names, refused.load());
}

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const unsigned threads = given.number("threads", 50, "clients", 2);
  const unsigned kernel = given.number("kernel-threads", 2, "of them on kernel threads", 0);
  const unsigned rounds = given.number("rounds", 2000, "of each");
  const unsigned names = given.number("accounts", 5, "and names", 2);
  given.finish();
  show_the_race(threads, kernel);
  be_careful(threads, kernel, rounds, names);
  std::puts("ok: a look and the act that relies on it belong under one lock");
}
