// Connections that are made, used, timed out, stopped, reset and closed at random, from user-level
// threads and kernel threads. What comes back is what was sent, in order, as far as it goes; and at
// the end every descriptor is closed.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "support/files_of_process.h"
#include "support/scale.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;

namespace {

// Stop sources that somebody uses up all the time.
class agitator {
 public:
  std::stop_token token(unsigned i) {
    const std::lock_guard guard(lock_);
    return sources_[i % sources_.size()].get_token();
  }
  void disturb(unsigned i) {
    std::stop_source victim;
    {
      const std::lock_guard guard(lock_);
      std::swap(victim, sources_[i % sources_.size()]);
    }
    victim.request_stop();
  }

 private:
  conc::mutex lock_;
  std::array<std::stop_source, 8> sources_;
};

struct tally {
  std::atomic<long> connections = 0, echoed = 0, timed_out = 0, stopped = 0, resets = 0;

  // Counts what a call came to; true if it was one of the ways in which calls are meant to end.
  bool note(const std::error_code& ec) {
    if (ec == std::errc::timed_out) return ++timed_out, true;
    if (ec == std::errc::operation_canceled) return ++stopped, true;
    if (ec == std::errc::connection_reset || ec == std::errc::broken_pipe) return ++resets, true;
    return !ec;
  }
};

struct arena {
  conc_test::tcp_listener listener{1024};
  agitator stops;
  tally counts;
  std::stop_source end;
};

io::options random_options(arena& a, std::minstd_rand& random) {
  io::options o;
  if (random() % 3 == 0) o.deadline = std::chrono::microseconds(random() % 300);
  if (random() % 3 == 0) o.stop = a.stops.token(static_cast<unsigned>(random()));
  return o;
}

// A socket that is closed by a reset instead of in peace.
void make_abortive(int fd) {
  const linger l{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

void serve(arena& a, io::unique_fd fd, unsigned seed) {
  std::minstd_rand random(seed);
  std::array<std::byte, 512> buffer;
  for (;;) {
    std::error_code ec;
    const std::size_t n = io::recv(fd.get(), buffer, 0, ec, random_options(a, random));
    ASSERT_TRUE(a.counts.note(ec)) << ec.message();
    if (n == 0 && ec != std::errc::timed_out && ec != std::errc::operation_canceled) return;
    for (std::span<const std::byte> rest(buffer.data(), n); !rest.empty();) {
      const std::size_t sent =
          io::send(fd.get(), rest, MSG_NOSIGNAL, ec, random_options(a, random));
      ASSERT_TRUE(a.counts.note(ec)) << ec.message();
      rest = rest.subspan(sent);
      if (ec && ec != std::errc::timed_out && ec != std::errc::operation_canceled) return;
    }
    if (random() % 200 == 0) {
      if (random() % 2 == 0) make_abortive(fd.get());
      return;
    }
  }
}

void accept_all(arena& a, unsigned seed) {
  std::minstd_rand random(seed);
  while (!a.end.stop_requested()) {
    io::options o = random_options(a, random);
    if (!o.stop.stop_possible()) o.stop = a.end.get_token();
    if (o.deadline.nanos() == conc::detail::never) o.deadline = 20ms;
    std::error_code ec;
    io::unique_fd fd(io::accept(a.listener.fd.get(), nullptr, nullptr, ec, o));
    ASSERT_TRUE(a.counts.note(ec)) << ec.message();
    if (fd) {
      conc::thread([&a, fd = std::move(fd), next = static_cast<unsigned>(random())]() mutable {
        serve(a, std::move(fd), next);
      }).detach();
    }
  }
}

// One connection's life. The bytes count up, so that what is lost, doubled or swapped shows.
void connect_once(arena& a, std::minstd_rand& random) {
  const io::unique_fd fd(io::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::error_code ec;
  io::connect(fd.get(), a.listener.where(), sizeof a.listener.address, ec,
              random_options(a, random));
  ASSERT_TRUE(a.counts.note(ec)) << ec.message();
  if (ec) return;
  ++a.counts.connections;
  unsigned char sent = 0, expected = 0;
  std::size_t under_way = 0;
  std::array<std::byte, 300> buffer;
  for (auto rounds = random() % 60; rounds > 0; --rounds) {
    if (under_way < 2000) {
      const auto part = std::span(buffer).first(1 + random() % buffer.size());
      for (std::size_t i = 0; i < part.size(); ++i) {
        part[i] = std::byte(static_cast<unsigned char>(sent + i));
      }
      const std::size_t n = io::send(fd.get(), part, MSG_NOSIGNAL, ec, random_options(a, random));
      ASSERT_TRUE(a.counts.note(ec)) << ec.message();
      if (ec && ec != std::errc::timed_out && ec != std::errc::operation_canceled) return;
      sent = static_cast<unsigned char>(sent + n);
      under_way += n;
    }
    if (under_way == 0) continue;
    const std::size_t n = io::recv(fd.get(), buffer, 0, ec, random_options(a, random));
    ASSERT_TRUE(a.counts.note(ec)) << ec.message();
    if (n == 0) {
      if (ec != std::errc::timed_out && ec != std::errc::operation_canceled) return;
      continue;
    }
    ASSERT_LE(n, under_way);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(buffer[i], std::byte{expected++});
    under_way -= n;
    a.counts.echoed += static_cast<long>(n);
  }
  if (random() % 4 == 0) make_abortive(fd.get());
  if (random() % 4 == 0) io::shutdown(fd.get(), SHUT_WR, ec);
}

// The default runtime does the kernel threads' limited waits and keeps its rings for ever. Makes
// them: on each processor at the same time a thread that waits for what does not come.
void make_default_rings() {
  const auto pair = conc_test::socket_pair();
  const unsigned processors = conc::runtime::current().processors();
  std::atomic<unsigned> here = 0;
  std::vector<conc::thread> threads;
  for (unsigned i = 0; i < processors; ++i) {
    threads.emplace_back([&] {
      for (++here; here < processors;) {
      }
      std::byte one;
      std::error_code ec;
      io::recv(pair.a.get(), std::span(&one, 1), 0, ec, {.deadline = 1ms});
      EXPECT_EQ(ec, std::errc::timed_out);
    });
  }
  for (auto& t : threads) t.join();
}

}  // namespace

TEST(io_stress, connections_come_and_go) {
  make_default_rings();
  const long before = conc_test::open_files();
  {
    arena a;
    conc::runtime rt;
    const int clients = 40, lives = conc_test::scaled(60);
    std::vector<conc::thread> users, acceptors;
    std::vector<std::thread> kernels;
    const auto live = [&](unsigned seed) {
      std::minstd_rand random(seed);
      for (int i = 0; i < lives && !testing::Test::HasFailure(); ++i) connect_once(a, random);
    };
    for (unsigned i = 0; i < 3; ++i) {
      acceptors.push_back(rt.spawn([&a, i] { accept_all(a, 1000 + i); }));
    }
    for (unsigned i = 0; i < clients; ++i) users.push_back(rt.spawn([&, i] { live(i + 1); }));
    for (unsigned i = 0; i < 2; ++i) kernels.emplace_back([&, i] { live(500 + i); });
    std::atomic<bool> quiet = false;
    std::thread disturber([&] {
      for (unsigned i = 0; !quiet; ++i) {
        std::this_thread::sleep_for(200us);
        a.stops.disturb(i);
      }
    });
    for (auto& t : users) t.join();
    for (auto& t : kernels) t.join();
    a.end.request_stop();
    for (auto& t : acceptors) t.join();
    // What was connected and never accepted goes with the listener; ~runtime waits for the rest.
    a.listener.fd.reset();
    quiet = true;
    disturber.join();
    std::printf("%ld connections, %ld bytes echoed, %ld timed out, %ld stopped, %ld reset\n",
                a.counts.connections.load(), a.counts.echoed.load(), a.counts.timed_out.load(),
                a.counts.stopped.load(), a.counts.resets.load());
    EXPECT_GT(a.counts.echoed, 0);
    EXPECT_GT(a.counts.timed_out, 0);
    EXPECT_GT(a.counts.stopped, 0);
  }
  EXPECT_EQ(conc_test::open_files(), before);
}
