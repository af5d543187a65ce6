// What a dump says about a wait, for each kind of object that can be waited for.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "support/dump_entry.h"
#include "support/eventually.h"

namespace {

using namespace std::chrono_literals;
using conc_test::dump_of;
using conc_test::entry;
using conc_test::eventually;
using conc_test::has;
using conc_test::text;

// Each kind of object has words of its own, and is named by its address, also where the waiter is
// queued at another.
TEST(dump_kinds, names_every_kind_of_object) {
  conc::runtime r({.processors = 1});
  struct waiting {
    conc::thread thread;
    std::string words;
  };
  std::vector<waiting> all;
  const auto waits = [&](const char* words, const void* at, auto f) {
    const std::string where = at == nullptr ? "" : text(at) + ", for ";
    all.push_back({r.spawn(f), std::string(": waits for ") + words + " at " + where});
  };
  conc::shared_mutex shared;
  conc::barrier<> barrier(2);
  conc::once_flag once;
  std::atomic<int> atomic{0};
  conc::event_count events;
  conc::promise<int> promise;
  conc::future<int> future = promise.get_future();
  conc::channel<int> channel(0), full(1), chosen(0);
  conc::condition_variable_any any;
  conc::mesa_monitor mesa;
  conc::mesa_monitor::condition when(mesa);
  conc::hoare_monitor hoare;
  conc::hoare_monitor::condition then(hoare);
  conc::region<int> region(0);
  std::atomic<bool> runs{false};
  std::atomic<bool> over{false};
  shared.lock();
  ASSERT_TRUE(full.send(1));
  std::thread runner([&] {
    conc::call_once(once, [&] {
      runs = true;
      while (!over) std::this_thread::sleep_for(1ms);
    });
  });
  ASSERT_TRUE(eventually([&] { return runs.load(); }));

  waits("a conc::shared_mutex", &shared, [&] { const std::lock_guard g(shared); });
  waits("a conc::shared_mutex, to read", nullptr, [&] { const std::shared_lock g(shared); });
  waits("a conc::barrier", &barrier, [&] { barrier.arrive_and_wait(); });
  waits("a conc::once_flag", &once, [&] { conc::call_once(once, [] {}); });
  waits("the change of an atomic", &atomic, [&] { conc::atomic_wait(atomic, 0); });
  waits("a conc::event_count", &events, [&] { events.await(1); });
  waits("a future's state", nullptr, [&] { future.wait(); });
  waits("a conc::channel, to receive", &channel, [&] { EXPECT_EQ(channel.recv(), 1); });
  waits("a conc::channel, to receive", &channel, [&] {
    int i;
    EXPECT_EQ(channel.recv_for(i, 1h), conc::channel_status::ok);
  });
  waits("a conc::channel, to send", &full, [&] { EXPECT_TRUE(full.send(2)); });
  waits("a case of a conc::select", nullptr,
        [&] { conc::select(conc::on_recv(chosen, [](std::optional<int>) {})); });
  waits("a conc::condition_variable_any", &any, [&] {
    conc::mutex m;
    std::unique_lock lock(m);
    any.wait(lock);
  });
  waits("a condition of a conc::mesa_monitor", &mesa, [&] {
    const conc::guard inside(mesa);
    when.wait();
  });
  conc::latch leave(1);
  conc::thread inside = r.spawn([&] {
    const conc::guard in(hoare);
    then.wait();
    leave.wait();
  });
  const auto eventually_waiting = [&](std::size_t wanted) {
    return eventually([&] {
      const conc::guard in(hoare);
      return then.size() == wanted;
    });
  };
  ASSERT_TRUE(eventually_waiting(1));  // the one to be signalled
  waits("a condition of a conc::hoare_monitor", &then, [&] {
    const conc::guard in(hoare);
    then.wait();
  });
  ASSERT_TRUE(eventually_waiting(2));
  waits("its turn to go on in a conc::hoare_monitor", &hoare, [&] {
    const conc::guard in(hoare);
    then.signal();
  });
  waits("a condition on a conc::region", &region,
        [&] { region.enter().await([](int v) { return v == 1; }); });
  std::string d;
  EXPECT_TRUE(eventually([&] {
    d = dump_of(r);
    return std::all_of(all.begin(), all.end(), [&](const waiting& w) {
      return entry(d, w.thread).find(w.words) != std::string::npos;
    });
  }));
  for (const waiting& w : all) EXPECT_TRUE(has(entry(d, w.thread), w.words));

  shared.unlock();
  static_cast<void>(barrier.arrive());
  over = true;
  atomic = 1;
  conc::atomic_notify_one(atomic);
  events.advance();
  promise.set_value(1);
  for (conc::channel<int>* c : {&channel, &channel, &chosen}) EXPECT_TRUE(c->send(1));
  EXPECT_EQ(full.recv(), 1);
  any.notify_one();
  {
    const conc::guard in(mesa);
    when.signal();
  }
  leave.count_down();
  inside.join();
  {
    const conc::guard in(hoare);
    then.signal();
  }
  *region.enter() = 1;
  for (waiting& w : all) w.thread.join();
  runner.join();
}

}  // namespace
