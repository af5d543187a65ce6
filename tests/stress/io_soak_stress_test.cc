// A server and its clients short of descriptors: connections that are opened, served, half-closed,
// stalled, called off, timed out and reset at random, while socket() and accept() fail because
// there is no descriptor left. Afterwards descriptors, kernel threads and memory are back where
// they were.
//
// CONC_SOAK_SECONDS makes it longer. Ends of operations are checked by the engines themselves: none
// may be destroyed with an operation in flight.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <stop_token>
#include <vector>

#include "conc/conc.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/scale.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using conc_test::text_buffer;

namespace {

// The soft limit of descriptors, `spare` above what is open now.
class few_descriptors {
 public:
  explicit few_descriptors(long spare) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(conc_test::descriptors() + spare);
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~few_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  few_descriptors(const few_descriptors&) = delete;
  few_descriptors& operator=(const few_descriptors&) = delete;

 private:
  rlimit before_{};
};

struct tally {
  std::atomic<long> served = 0, refused = 0, called_off = 0, broken = 0;

  // Whether a call went well; counts how it ended otherwise, and fails for an end that it must not
  // come to.
  bool good(const std::error_code& ec) {
    if (!ec) return true;
    if (ec == std::errc::timed_out || ec == std::errc::operation_canceled) {
      ++called_off;
    } else if (ec == std::errc::too_many_files_open) {
      ++refused;
    } else if (ec == std::errc::connection_reset || ec == std::errc::broken_pipe ||
               ec == std::errc::not_connected || ec == std::errc::connection_refused) {
      ++broken;
    } else {
      ADD_FAILURE() << ec.message();
    }
    return false;
  }
};

using dice = std::minstd_rand;

std::chrono::microseconds some_time(dice& d, int most) {
  return std::chrono::microseconds(d() % static_cast<unsigned>(most));
}

void reset_at_close(int fd) {
  const linger none{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

// Sends back what comes, for as long as it likes.
void serve(io::unique_fd fd, unsigned seed, tally& all) {
  dice d(seed);
  std::error_code ec;
  for (;;) {
    text_buffer t;
    const std::size_t n = io::recv(fd.get(), t.all(), 0, ec, {.deadline = some_time(d, 20'000)});
    if (!all.good(ec) || n == 0) break;
    io::send(fd.get(), t.all().first(n), MSG_NOSIGNAL, ec, {.deadline = some_time(d, 5000)});
    if (!all.good(ec)) break;
    ++all.served;
    if (d() % 16 == 0) break;
  }
  if (d() % 4 == 0) reset_at_close(fd.get());
}

void use_a_connection(const conc_test::tcp_listener& to, dice& d, tally& all) {
  std::error_code ec;
  const io::unique_fd fd(io::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, ec));
  if (!all.good(ec)) return conc::this_thread::sleep_for(some_time(d, 300));
  std::stop_source source;
  conc::thread canceller;
  if (d() % 3 == 0) {
    canceller = conc::thread([&, after = some_time(d, 3000)] {
      conc::this_thread::sleep_for(after);
      source.request_stop();
    });
  }
  const io::options how{.deadline = some_time(d, 10'000), .stop = source.get_token()};
  io::connect(fd.get(), to.where(), sizeof to.address, ec, how);
  for (unsigned round = d() % 8; round != 0 && all.good(ec); --round) {
    text_buffer t;
    const std::size_t size = 1 + d() % sizeof t.data;
    io::send(fd.get(), t.all().first(size), MSG_NOSIGNAL, ec, how);
    if (!all.good(ec)) break;
    if (d() % 8 == 0) conc::this_thread::sleep_for(some_time(d, 3000));  // stalls
    if (d() % 8 == 0) ::shutdown(fd.get(), SHUT_WR);                     // half-closed
    io::recv(fd.get(), t.all(), 0, ec, how);
  }
  if (d() % 3 == 0) reset_at_close(fd.get());
  if (canceller.joinable()) canceller.join();
}

void accept_all(const conc_test::tcp_listener& at, const std::atomic<bool>& over, unsigned seed,
                tally& all) {
  dice d(seed);
  while (!over) {
    std::error_code ec;
    io::unique_fd fd(
        io::accept(at.fd.get(), nullptr, nullptr, ec, {.deadline = some_time(d, 1000)}));
    if (!all.good(ec)) {
      if (ec == std::errc::too_many_files_open) conc::this_thread::sleep_for(200us);
      continue;
    }
    conc::thread([&all, s = static_cast<unsigned>(d()), owned = std::move(fd)]() mutable {
      serve(std::move(owned), s, all);
    }).detach();
  }
}

// The runtime waits for the servers, too.
void soak(std::chrono::milliseconds length, tally& all) {
  conc::runtime rt({.processors = 2});
  rt.run([&] {
    const conc_test::tcp_listener listener(64);
    std::atomic<bool> over = false;
    conc::task_group clients, acceptors;
    for (unsigned i = 0; i < 3; ++i) {
      acceptors.run([&, i] { accept_all(listener, over, 100 + i, all); });
    }
    const auto end = clock_type::now() + length;
    for (unsigned i = 0; i < 64; ++i) {
      clients.run([&, i] {
        dice d(i + 1);
        while (clock_type::now() < end) use_a_connection(listener, d, all);
      });
    }
    clients.wait();
    over = true;
    acceptors.wait();
  });
}

}  // namespace

TEST(io_soak_stress, everything_comes_back) {
  const char* seconds = std::getenv("CONC_SOAK_SECONDS");
  const std::chrono::milliseconds length =
      seconds != nullptr ? std::chrono::milliseconds(1000L * std::atol(seconds)) : 700ms;
  {
    tally warm_up;
    soak(50ms, warm_up);
  }
  const long descriptors = conc_test::descriptors();
  const long threads = conc_test::kernel_threads();
  const long memory = conc_test::resident_kilobytes();
  tally all;
  {
    const few_descriptors limit(60);
    soak(length, all);
  }
  EXPECT_EQ(conc_test::descriptors(), descriptors);
  // The kernel's workers of a ring that has gone take a moment to follow it.
  EXPECT_TRUE(conc_test::eventually([&] { return conc_test::kernel_threads() <= threads; }));
  if (!conc_test::under_tsan && !conc_test::under_asan) {
    EXPECT_LT(conc_test::resident_kilobytes(), memory + 64 * 1024);
  }
  EXPECT_GT(all.served, 0);
  EXPECT_GT(all.refused, 0);
  EXPECT_GT(all.called_off, 0);
  EXPECT_GT(all.broken, 0);
}
