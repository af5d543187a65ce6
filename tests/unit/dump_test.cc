// runtime::dump() and dump_all(): what each thread does is written as it is.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "support/dump_entry.h"
#include "support/eventually.h"
#include "support/no_frame_pointers.h"
#include "support/scale.h"
#include "support/sockets.h"
#include "threads/stack.h"

namespace {

using namespace std::chrono_literals;
using conc_test::dump_of;
using conc_test::entry;
using conc_test::eventually;
using conc_test::eventually_parked;
using conc_test::has;
using conc_test::text;

TEST(dump, shows_what_each_blocked_thread_waits_for) {
  conc::runtime r({.processors = 2});
  conc::mutex m, other;
  conc::condition_variable cv;
  conc::latch latch(1);
  conc::binary_semaphore semaphore(0);
  auto [a, b] = conc_test::pipe_pair();
  m.lock();

  conc::thread locks =
      r.spawn(conc::thread_options{.name = "locks"}, [&] { const std::lock_guard guard(m); });
  const std::string id_of_locks = "thread " + text(locks.get_id());  // before it is joined
  conc::thread notified = r.spawn([&] {
    std::unique_lock lock(other);
    cv.wait(lock);
  });
  conc::thread latched = r.spawn([&] { latch.wait(); });
  conc::thread acquires = r.spawn([&] { semaphore.acquire(); });
  conc::thread joins = r.spawn([&] { locks.join(); });
  std::atomic<bool> stop{false};
  conc::thread sleeps = r.spawn([&] {
    while (!stop) conc::this_thread::sleep_for(50ms);
  });
  char one = 0;
  conc::thread reads = r.spawn(
      [&, fd = a.get()] { conc::io::read(fd, std::as_writable_bytes(std::span(&one, 1))); });
  std::thread kernel([&] { latch.wait(); });

  ASSERT_TRUE(eventually_parked(&m, 1));
  ASSERT_TRUE(eventually_parked(&cv, 1));
  ASSERT_TRUE(eventually_parked(&semaphore, 1));
  std::string d;
  // The kernel thread may still be looking for its wake; the others have no lock to be found by.
  EXPECT_TRUE(eventually([&] {
    d = dump_of(r);
    return has(entry(d, "kernel thread"), "a conc::latch") &&
           has(entry(d, joins), "the end of a thread") && has(entry(d, reads), "on descriptor") &&
           has(entry(d, sleeps), "sleeps") && has(entry(d, latched), "a conc::latch");
  })) << d;

  EXPECT_TRUE(has(d, "2 processors\n"));
  EXPECT_TRUE(has(d, "processor 0: "));
  EXPECT_TRUE(has(d, "processor 1: "));
  EXPECT_TRUE(has(entry(d, id_of_locks), id_of_locks + " \"locks\": waits for a conc::mutex at " +
                                             text(static_cast<void*>(&m)) +
                                             ", held by kernel thread " +
                                             text(conc::this_thread::get_id()) + ", for 0."));
  EXPECT_TRUE(has(entry(d, notified),
                  ": waits for a conc::condition_variable at " + text(static_cast<void*>(&cv))));
  EXPECT_TRUE(has(entry(d, acquires), ": waits for a semaphore at "));
  EXPECT_TRUE(has(entry(d, joins), "which is " + id_of_locks + ","));
  EXPECT_TRUE(has(entry(d, reads), "on descriptor " + text(a.get()) + ","));
  EXPECT_TRUE(has(entry(d, reads), "conc::io::read"));
  EXPECT_TRUE(has(entry(d, id_of_locks), "thread_main"));
  EXPECT_TRUE(has(entry(d, id_of_locks), "KiB\n    #0  "));

  stop = true;
  m.unlock();
  cv.notify_one();
  latch.count_down();
  semaphore.release();
  ASSERT_EQ(write(b.get(), "x", 1), 1);
  for (conc::thread* t : {&notified, &latched, &acquires, &joins, &sleeps, &reads}) t->join();
  kernel.join();
  EXPECT_EQ(dump_of(r).find("thread "), std::string::npos) << dump_of(r);
}

TEST(dump, a_notified_waiter_waits_for_the_mutex) {
  conc::runtime r({.processors = 1});
  conc::mutex m;
  conc::condition_variable cv;
  conc::thread t = r.spawn([&] {
    std::unique_lock lock(m);
    cv.wait(lock);
  });
  ASSERT_TRUE(eventually_parked(&cv, 1));
  m.lock();
  cv.notify_all();
  ASSERT_TRUE(eventually_parked(&m, 1));
  EXPECT_TRUE(has(entry(dump_of(r), t), "waits for a conc::mutex at "));
  m.unlock();
  t.join();
}

TEST(dump, shows_threads_that_do_not_wait) {
  conc::runtime r({.processors = 1});
  std::atomic<bool> started{false}, go{false};
  conc::thread ended = r.spawn(conc::thread_options{.name = "e"}, [] {});
  ASSERT_TRUE(eventually([&] { return r.stats().finished == 1; }));
  conc::thread busy = r.spawn([&] {
    started = true;
    while (!go) std::this_thread::yield();
  });
  ASSERT_TRUE(eventually([&] { return started.load(); }));
  conc::thread newcomer = r.spawn(conc::thread_options{.name = "new"}, [] {});
  const std::string d = dump_of(r);
  EXPECT_TRUE(has(entry(d, ended), "ended, not joined yet"));
  EXPECT_TRUE(has(entry(d, busy), "running on processor 0"));
  EXPECT_TRUE(has(entry(d, newcomer), "\"new\": ready, has not run yet"));
  go = true;
  for (conc::thread* t : {&ended, &busy, &newcomer}) t->join();
}

// A thread that yields is ready again with a trace.
TEST(dump, shows_where_a_ready_thread_will_go_on) {
  conc::runtime r({.processors = 1});
  std::atomic<bool> yielded{false}, go{false}, hold{false};
  conc::thread patient = r.spawn([&] {
    yielded = true;
    while (!go) conc::this_thread::yield();
  });
  ASSERT_TRUE(eventually([&] { return yielded.load(); }));
  conc::thread busy = r.spawn([&] {
    hold = true;
    while (!go) std::this_thread::yield();
  });
  ASSERT_TRUE(eventually([&] { return hold.load(); }));
  const std::string e = entry(dump_of(r), patient);
  EXPECT_TRUE(has(e, ": ready;"));
#if defined(CONC_FORCE_MIGRATE)
  // There g++ makes jumps of the calls that lead to the scheduler's own stack.
  EXPECT_TRUE(has(e, "switch_to_idle"));
#else
  EXPECT_TRUE(has(e, "yield"));
#endif
  go = true;
  patient.join();
  busy.join();
}

// ThreadSanitizer holds a signal back until the thread calls something that it intercepts, so a
// thread that is looked at while it runs does not answer in time.
#if !defined(CONC_TSAN)
void compute(void* argument) {
  auto& [started, stop] = *static_cast<std::pair<std::atomic<bool>, std::atomic<bool>>*>(argument);
  started = true;
  while (!stop) {
  }
}

// It stands still for the look, in code that has no frame pointers, and goes on.
TEST(dump, shows_where_a_running_thread_is) {
  conc::runtime r({.processors = 1});
  std::pair<std::atomic<bool>, std::atomic<bool>> flags{false, false};
  conc::thread busy = r.spawn([&] { return conc_test_no_frame_pointer(3, compute, &flags); });
  ASSERT_TRUE(eventually([&] { return flags.first.load(); }));
  for (int i = 0; i < 20; ++i) {
    const std::string e = entry(dump_of(r), busy);
    EXPECT_TRUE(has(e, "running on processor 0"));
    ASSERT_TRUE(has(e, "compute"));
#if defined(__x86_64__)
    ASSERT_TRUE(has(e, "#4  conc_test_no_frame_pointer"));
    ASSERT_TRUE(has(e, "thread_main"));
#endif
  }
  flags.second = true;
  busy.join();
}

TEST(dump, a_running_thread_that_blocks_the_signal_gets_no_trace) {
  conc::runtime r({.processors = 1});
  std::atomic<bool> started{false}, go{false};
  conc::thread deaf = r.spawn([&] {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started = true;
    while (!go) std::this_thread::yield();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
  ASSERT_TRUE(eventually([&] { return started.load(); }));
  EXPECT_TRUE(has(entry(dump_of(r), deaf), "does not answer"));
  go = true;
  deaf.join();
  // The late signal found nobody who asked; the next one is answered.
  started = false;
  go = false;
  conc::thread busy = r.spawn([&] {
    started = true;
    while (!go) std::this_thread::yield();
  });
  ASSERT_TRUE(eventually([&] { return started.load(); }));
  EXPECT_TRUE(has(entry(dump_of(r), busy), "#0 "));
  go = true;
  busy.join();
}

// The signal that the look takes is nothing to a call that restarts; other signals stay the
// program's.
TEST(dump, leaves_the_programs_own_handler_in_place) {
  conc::runtime r({.processors = 1});
  auto [a, b] = conc_test::pipe_pair();
  std::atomic<bool> reading{false};
  ssize_t got = -2;
  conc::thread blocked = r.spawn([&, fd = a.get()] {
    char byte;
    reading = true;
    got = ::read(fd, &byte, 1);  // takes the carrier along
  });
  ASSERT_TRUE(eventually([&] { return reading.load(); }));
  EXPECT_TRUE(eventually([&] { return bool(has(entry(dump_of(r), blocked), "read")); }));
  ASSERT_EQ(::write(b.get(), "x", 1), 1);
  blocked.join();
  EXPECT_EQ(got, 1);
}
#endif

TEST(dump, from_inside_shows_the_caller) {
  conc::runtime r({.processors = 2});
  std::string d;
  conc::thread t = r.spawn(conc::thread_options{.name = "looks"}, [&] { d = dump_of(r); });
  const std::string heading = "thread " + text(t.get_id()) + " \"looks\"";
  t.join();
  EXPECT_TRUE(has(entry(d, heading), ": running on processor "));
  EXPECT_TRUE(has(entry(d, heading), "conc::runtime::dump"));
  EXPECT_TRUE(has(entry(d, heading), "thread_main"));
}

TEST(dump, keeps_to_its_runtime_and_dump_all_does_not) {
  conc::runtime a({.processors = 1}), b({.processors = 1});
  conc::latch gate(1);
  conc::thread in_a = a.spawn(conc::thread_options{.name = "in a"}, [&] { gate.wait(); });
  conc::thread in_b = b.spawn(conc::thread_options{.name = "in b"}, [&] { gate.wait(); });
  ASSERT_TRUE(eventually_parked(&gate, 2));
  EXPECT_TRUE(has(dump_of(a), "\"in a\""));
  EXPECT_FALSE(has(dump_of(a), "\"in b\""));
  std::ostringstream out;
  conc::dump_all(out);
  EXPECT_TRUE(has(out.str(), "\"in a\""));
  EXPECT_TRUE(has(out.str(), "\"in b\""));
  gate.count_down();
  in_a.join();
  in_b.join();
}

TEST(dump, a_name_is_written_so_that_a_line_stays_a_line) {
  conc::runtime r({.processors = 1});
  conc::latch gate(1);
  const std::string long_name(1'000, 'x');
  conc::thread odd = r.spawn(conc::thread_options{.name = "a\nb\x1b[2J"}, [&] { gate.wait(); });
  conc::thread much = r.spawn(conc::thread_options{.name = long_name}, [&] { gate.wait(); });
  ASSERT_TRUE(eventually_parked(&gate, 2));
  const std::string d = dump_of(r);
  EXPECT_TRUE(has(entry(d, odd), "\"a?b?[2J\": waits"));
  EXPECT_TRUE(has(entry(d, much), "xxx\": waits"));
  gate.count_down();
  odd.join();
  much.join();
}

TEST(stack_use, is_known_to_the_thread_itself) {
  EXPECT_EQ(conc::this_thread::stack().reserved, 0u);
  std::size_t before = 0, after = 0, reserved = 0;
  conc::thread({.stack_size = 1 << 20}, [&] {
    before = conc::this_thread::stack().touched;
    {
      volatile char room[400'000];
      room[0] = 1;
      static_cast<void>(room[0]);
    }
    after = conc::this_thread::stack().touched;
    reserved = conc::this_thread::stack().reserved;
  }).join();
  EXPECT_GE(reserved, std::size_t{1} << 20);
  EXPECT_GE(before, conc::detail::page_size);
  EXPECT_GE(after, 400'000u);
  EXPECT_LE(after, reserved);
}

}  // namespace
