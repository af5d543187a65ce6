// The ring behind conc::io: its weaker set-ups, many operations at once, runtimes that end.
#include <poll.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "io/ring.h"
#include "support/children.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/io_exercise.h"
#include "support/io_waiters.h"
#include "support/scale.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc::detail::ring;
using conc_test::bytes_of;
using conc_test::exercise;
using conc_test::text_buffer;

TEST(io_ring, works_with_every_set_up) {
  for (const auto mode : {ring::mode::plain, ring::mode::cooperative, ring::mode::deferred}) {
    ring::first_mode = mode;
    conc::runtime rt;
    exercise(rt);
  }
}

TEST(io_ring, no_descriptor_is_left_after_the_runtime) {
  {
    conc::runtime warm_up;
    exercise(warm_up);
  }
  const long before = conc_test::descriptors();
  for (int i = 0; i < 20; ++i) {
    conc::runtime rt;
    exercise(rt);
  }
  EXPECT_EQ(conc_test::descriptors(), before);
}

TEST(io_ring, without_descriptors_the_error_is_reported_and_passes) {
  conc::runtime rt({.processors = 1});
  rt.run([] {
    auto [a, b] = conc_test::socket_pair();
    rlimit before;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none_left = before;
    none_left.rlim_cur = static_cast<rlim_t>(io::unique_fd(::dup(a.get())).get());
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
    text_buffer t;
    std::error_code ec;
    const std::size_t n = io::recv(a.get(), t.all(), 0, ec);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(n, 0u);
    EXPECT_EQ(ec, std::errc::too_many_files_open);
    EXPECT_EQ(io::recv(a.get(), t.all(), 0, ec, {.deadline = 1ms}), 0u);
    EXPECT_EQ(ec, std::errc::timed_out) << "the next call gets its ring";
  });
}

TEST(io_ring, two_runtimes_talk) {
  conc::runtime one, two;
  auto [a, b] = conc_test::socket_pair();
  conc::thread echo = two.spawn([fd = b.get()] {
    text_buffer t;
    while (const std::size_t n = io::recv(fd, t.all(), 0)) io::send(fd, t.all().first(n), 0);
  });
  one.run([&, fd = a.get()] {
    for (int i = 0; i < 1000; ++i) {
      text_buffer t;
      io::send(fd, bytes_of("there and back"), 0);
      ASSERT_EQ(io::recv(fd, t.all(), MSG_PEEK), 14u);
      ASSERT_EQ(io::recv(fd, t.all(), 0), 14u);
    }
  });
  a.reset();
  echo.join();
}

// A runtime's destructor waits for threads that are in the middle of a wait.
TEST(io_ring, the_end_waits_for_operations) {
  auto [out, in] = conc_test::pipe_pair();
  std::atomic<bool> ended = false;
  std::thread writer([&, to = in.get()] {
    std::this_thread::sleep_for(20ms);
    EXPECT_FALSE(ended);
    EXPECT_EQ(::write(to, "x", 1), 1);
  });
  {
    conc::runtime rt;
    rt.spawn([&, from = out.get()] {
        text_buffer t;
        EXPECT_EQ(io::read(from, t.all()), 1u);
        ended = true;
      }).detach();
  }
  EXPECT_TRUE(ended);
  writer.join();
}

// An operation that is queued, but not yet with the kernel, means the file that its descriptor
// named when it was asked for, even if the number soon names another.
TEST(io_ring, a_close_does_not_mislead_what_is_queued) {
  conc::runtime rt({.processors = 1});
  rt.run([] {
    auto [a, b] = conc_test::socket_pair();
    auto [other, to_other] = conc_test::socket_pair();
    ASSERT_EQ(::send(to_other.get(), "wrong", 5, 0), 5);
    conc::latch begun(1);
    std::string got;
    conc::thread reader([&, from = a.get()] {
      begun.count_down();
      text_buffer t;
      std::error_code ec;
      got = t.first(io::recv(from, t.all(), 0, ec));
    });
    // When this thread runs again the reader has suspended, and nobody has been idle.
    begun.wait();
    const int number = a.release();
    io::close(number);
    const io::unique_fd successor(::dup(other.get()));
    ASSERT_EQ(successor.get(), number);
    if (!conc_test::forced_to_epoll()) {
      ASSERT_EQ(::send(b.get(), "right", 5, 0), 5);
    }
    reader.join();
    EXPECT_EQ(got, conc_test::forced_to_epoll() ? "" : "right");
  });
}

// While one thread computes and yields, others' completions are seen at the scheduler's bound.
TEST(io_ring, completions_are_seen_while_others_are_ready) {
  conc::runtime rt({.processors = 1});
  auto [a, b] = conc_test::socket_pair();
  rt.run([&, from = a.get(), to = b.get()] {
    std::atomic<bool> got = false;
    conc::thread reader([&] {
      text_buffer t;
      io::recv(from, t.all(), 0);
      got = true;
    });
    conc::this_thread::sleep_for(1ms);
    ASSERT_EQ(::send(to, "x", 1, 0), 1);
    long yields = 0;
    while (!got && yields < 10'000'000) {
      conc::this_thread::yield();
      ++yields;
    }
    EXPECT_LT(yields, 10'000'000);
    reader.join();
  });
}

TEST(io_ring, an_idle_runtime_sleeps_in_the_ring) {
  conc::runtime rt;
  auto [a, b] = conc_test::socket_pair();
  conc::thread reader = rt.spawn([from = a.get()] {
    text_buffer t;
    io::recv(from, t.all(), 0);
  });
  std::this_thread::sleep_for(20ms);
  const auto before = conc_test::usage_now();
  std::this_thread::sleep_for(200ms);
  const auto after = conc_test::usage_now();
  EXPECT_LT(after.cpu - before.cpu, 20ms);
  EXPECT_LT(after.switches - before.switches, 50);
  ::send(b.get(), "x", 1, 0);
  reader.join();
}

// A wake from outside must reach a carrier that sleeps in the ring, and not only its completions.
TEST(io_ring, wakes_reach_a_carrier_that_waits_for_io) {
  conc::runtime rt({.processors = 1});
  auto [a, b] = conc_test::socket_pair();
  conc::thread reader = rt.spawn([from = a.get()] {
    text_buffer t;
    io::recv(from, t.all(), 0);
  });
  conc::counting_semaphore<> ping(0), pong(0);
  conc::thread partner = rt.spawn([&] {
    for (int i = 0; i < 300; ++i) {
      ping.acquire();
      pong.release();
    }
  });
  for (int i = 0; i < 300; ++i) {
    if (i % 30 == 0) std::this_thread::sleep_for(1ms);
    ping.release();
    ASSERT_TRUE(pong.try_acquire_for(20s));
  }
  partner.join();
  ::send(b.get(), "x", 1, 0);
  reader.join();
}

// More than the queues of a ring hold, all at once.
TEST(io_ring, thousands_of_operations_in_flight) {
  conc::runtime rt;
  const int count = conc_test::scaled(3000);
  std::vector<conc_test::fd_pair> pairs;
  for (int i = 0; i < count; ++i) pairs.push_back(conc_test::socket_pair());
  rt.run([&] {
    std::vector<conc::thread> readers;
    std::atomic<int> sum = 0;
    for (int i = 0; i < count; ++i) {
      readers.emplace_back([&, from = pairs[i].a.get()] {
        std::byte one{};
        EXPECT_EQ(io::recv(from, std::span(&one, 1), 0), 1u);
        sum += std::to_integer<int>(one);
      });
    }
    conc::this_thread::sleep_for(5ms);
    int expected = 0;
    for (int i = 0; i < count; ++i) {
      const std::byte one{static_cast<unsigned char>(i)};
      expected += i & 0xff;
      ASSERT_EQ(::send(pairs[i].b.get(), &one, 1, 0), 1);
    }
    for (auto& t : readers) t.join();
    EXPECT_EQ(sum, expected);
  });
}

// Where the kernel posts completions as they come, and nobody reaps them for a while, the queue
// overflows, and the kernel keeps the rest.
TEST(io_ring, more_completions_than_the_queue_holds) {
  for (const auto mode : {ring::mode::plain, ring::mode::cooperative, ring::mode::deferred}) {
    ring::first_mode = mode;
    conc::runtime rt({.processors = 1});
    rt.run([] {
      const int count = conc_test::scaled(1500);
      std::vector<conc_test::fd_pair> pairs;
      std::vector<conc::thread> readers;
      int came = 0;
      for (int i = 0; i < count; ++i) {
        pairs.push_back(conc_test::socket_pair());
        readers.emplace_back([&came, from = pairs.back().a.get()] {
          text_buffer t;
          EXPECT_EQ(io::recv(from, t.all(), 0), 1u);
          ++came;
        });
      }
      // One processor runs them in their order.
      ASSERT_TRUE(conc_test::eventually_waiting(pairs.back().a.get(), 1));
      for (auto& p : pairs) ASSERT_EQ(::send(p.b.get(), "x", 1, 0), 1);
      for (auto& t : readers) t.join();
      EXPECT_EQ(came, count);
    });
  }
}

// A program that is started meanwhile gets nothing that the library waits with.
TEST(io_ring, another_program_inherits_no_descriptor) {
  conc::runtime rt;
  rt.run([] {
    auto [a, b] = conc_test::socket_pair();
    const conc_test::lasting_child child;
    std::stop_source stop;
    const io::options until{.stop = stop.get_token()};
    std::error_code ignored[3];
    conc::thread receiver([&, from = a.get()] {
      text_buffer t;
      io::recv(from, t.all(), 0, ignored[0], until);
    });
    conc::thread poller([&, at = a.get()] {
      pollfd p[] = {{at, POLLIN, 0}};
      io::poll(p, ignored[1], until);
    });
    conc::thread parent([&] { io::waitpid(child.pid, nullptr, 0, ignored[2], until); });
    ASSERT_TRUE(conc_test::eventually([] { return conc_test::all_io_waiters() == 3; }));
    FILE* const list = ::popen("ls -l /proc/self/fd", "r");
    ASSERT_NE(list, nullptr);
    char line[512];
    int lines = 0;
    for (; std::fgets(line, sizeof line, list) != nullptr; ++lines) {
      EXPECT_EQ(std::string(line).find("anon_inode"), std::string::npos) << line;
      EXPECT_EQ(std::string(line).find("socket"), std::string::npos) << line;
    }
    EXPECT_EQ(::pclose(list), 0);
    EXPECT_GE(lines, 3);
    stop.request_stop();
    for (auto* t : {&receiver, &poller, &parent}) t->join();
  });
}

TEST(io_ring, a_thousand_connections) {
  conc::runtime rt;
  const int count = conc_test::scaled(1000);
  const long before = conc_test::open_files();
  rt.run([&] {
    const conc_test::tcp_listener listener(4096);
    conc::thread acceptor([&] {
      for (int i = 0; i < count; ++i) {
        conc::thread([fd = io::unique_fd(io::accept(listener.fd.get(), nullptr, nullptr))] {
          text_buffer t;
          while (const std::size_t n = io::recv(fd.get(), t.all(), 0)) {
            io::send(fd.get(), t.all().first(n), MSG_NOSIGNAL);
          }
        }).detach();
      }
    });
    conc::latch all_connected(count);
    std::vector<conc::thread> clients;
    for (int i = 0; i < count; ++i) {
      clients.emplace_back([&, i] {
        const io::unique_fd fd(io::socket(AF_INET, SOCK_STREAM, 0));
        EXPECT_EQ(io::connect(fd.get(), listener.where(), sizeof listener.address), 0);
        all_connected.arrive_and_wait();
        const std::string question = "connection " + std::to_string(i);
        for (int round = 0; round < 3; ++round) {
          text_buffer t;
          EXPECT_EQ(io::send(fd.get(), bytes_of(question), MSG_NOSIGNAL), question.size());
          EXPECT_EQ(io::recv(fd.get(), t.all().first(question.size()), MSG_WAITALL),
                    question.size());
          EXPECT_EQ(t.first(question.size()), question);
        }
      });
    }
    for (auto& t : clients) t.join();
    acceptor.join();
  });
  // The servers see the ends of their connections a moment after the clients have closed theirs.
  EXPECT_TRUE(conc_test::eventually([&] { return conc_test::open_files() <= before; }));
}
