// A load for a TCP echo server: every connection keeps one message under way, for so many seconds.
//
// Plain kernel threads and epoll, so that it favours nobody's runtime. Each message differs from
// the one before and every byte that comes back is compared. Prints requests a second and the
// latency's p50, p99 and p99.9; ends with status 1 if the server was wrong, fell silent or hung up.
#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <absl/flags/usage.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <barrier>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "support/histogram.h"

ABSL_FLAG(std::string, host, "127.0.0.1", "IPv4 address of the server");
ABSL_FLAG(int, port, 7777, "its port");
ABSL_FLAG(int, connections, 64, "connections, all open from the start");
ABSL_FLAG(int, bytes, 64, "length of a message");
ABSL_FLAG(int, threads, 1, "kernel threads that drive them");
ABSL_FLAG(double, seconds, 2, "how long to measure");
ABSL_FLAG(double, warm_up, 0.2, "seconds of load before that");
ABSL_FLAG(bool, json, false, "print one JSON object instead of a line to read");

namespace bench {
namespace {

// How long a server may be silent before it counts as hung.
constexpr int silence_ms = 5'000;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class connection {
 public:
  explicit connection(std::size_t bytes) : sent_(bytes), received_(bytes) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) fail("socket");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(absl::GetFlag(FLAGS_port)));
    if (inet_pton(AF_INET, absl::GetFlag(FLAGS_host).c_str(), &to.sin_addr) != 1) {
      throw std::runtime_error("--host is not an IPv4 address");
    }
    if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail("connect");
    const int at_once = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  }
  ~connection() { close(fd_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  int fd() const { return fd_; }

  void request() {
    ++number_;
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      sent_[i] = static_cast<unsigned char>(number_ >> (i % 8 * 8)) ^ static_cast<unsigned char>(i);
    }
    arrived_ = 0;
    start_ = now();
    // Blocking, which is no dead end: the last answer has been read, so the server is reading.
    if (send(fd_, sent_.data(), sent_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(sent_.size())) {
      fail("send");
    }
  }

  // Takes what has come. The time that the request took, or -1 if part of the answer is missing.
  nanos answer() {
    const ssize_t n =
        recv(fd_, received_.data() + arrived_, received_.size() - arrived_, MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EAGAIN) return -1;
      fail("recv");
    }
    if (n == 0) throw std::runtime_error("the server hung up");
    arrived_ += static_cast<std::size_t>(n);
    if (arrived_ != sent_.size()) return -1;
    if (received_ != sent_) throw std::runtime_error("the echo is not what was sent");
    return now() - start_;
  }

 private:
  int fd_ = -1;
  std::uint64_t number_ = 0;
  nanos start_ = 0;
  std::size_t arrived_ = 0;
  std::vector<unsigned char> sent_, received_;
};

// When to begin and to end: told once everybody has connected, which takes its time.
struct schedule {
  std::barrier<> connected;
  nanos from = 0, until = 0;
  void begin() {
    from = now() + static_cast<nanos>(absl::GetFlag(FLAGS_warm_up) * 1e9);
    until = from + static_cast<nanos>(absl::GetFlag(FLAGS_seconds) * 1e9);
  }
};

struct share {
  histogram latencies;        // of the requests within the measured time
  std::uint64_t answers = 0;  // warm-up included
  std::string error;
};

void load(int poll, std::vector<std::unique_ptr<connection>>& all, const schedule& times,
          share& mine) {
  for (auto& c : all) c->request();
  std::vector<epoll_event> events(all.size());
  for (nanos t = now(); t < times.until; t = now()) {
    const int n = epoll_wait(poll, events.data(), static_cast<int>(events.size()), silence_ms);
    if (n < 0 && errno != EINTR) fail("epoll_wait");
    if (n == 0) throw std::runtime_error("the server is silent");
    for (int i = 0; i < n; ++i) {
      auto* c = static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      const nanos took = c->answer();
      if (took < 0) continue;
      ++mine.answers;
      if (t >= times.from && t < times.until) mine.latencies.add(took);
      c->request();
    }
  }
}

void connect_all(int poll, int connections, std::vector<std::unique_ptr<connection>>& all) {
  for (int i = 0; i < connections; ++i) {
    const auto bytes = static_cast<std::size_t>(absl::GetFlag(FLAGS_bytes));
    all.push_back(std::make_unique<connection>(bytes));
    epoll_event readable{};
    readable.events = EPOLLIN;
    readable.data.ptr = all.back().get();
    if (epoll_ctl(poll, EPOLL_CTL_ADD, all.back()->fd(), &readable) != 0) fail("epoll_ctl");
  }
}

void drive(int connections, schedule& times, share& mine) {
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<connection>> all;
  try {
    if (poll < 0) fail("epoll_create1");
    connect_all(poll, connections, all);
  } catch (const std::exception& e) {
    mine.error = e.what();
  }
  // Twice: the main thread sets the times in between.
  times.connected.arrive_and_wait();
  times.connected.arrive_and_wait();
  if (!mine.error.empty()) return;
  try {
    load(poll, all, times, mine);
  } catch (const std::exception& e) {
    mine.error = e.what();
  }
  close(poll);
}

int measure() {
  const int threads = absl::GetFlag(FLAGS_threads), connections = absl::GetFlag(FLAGS_connections);
  const double seconds = absl::GetFlag(FLAGS_seconds);
  if (threads < 1 || connections < threads || absl::GetFlag(FLAGS_bytes) < 1) {
    std::fprintf(stderr, "at least one byte and one connection for every thread\n");
    return 2;
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  schedule times{std::barrier<>(threads + 1)};
  std::vector<share> shares(static_cast<std::size_t>(threads));
  std::vector<std::thread> drivers;
  for (int i = 0; i < threads; ++i) {
    const int mine = connections / threads + (i < connections % threads ? 1 : 0);
    drivers.emplace_back(drive, mine, std::ref(times),
                         std::ref(shares[static_cast<std::size_t>(i)]));
  }
  times.connected.arrive_and_wait();
  times.begin();
  times.connected.arrive_and_wait();
  for (auto& d : drivers) d.join();

  histogram all;
  std::uint64_t answers = 0;
  for (const share& s : shares) {
    if (!s.error.empty()) {
      std::fprintf(stderr, "echo_load: %s\n", s.error.c_str());
      return 1;
    }
    all.add(s.latencies);
    answers += s.answers;
  }
  if (all.count() == 0) {
    std::fprintf(stderr, "echo_load: no answer within the time\n");
    return 1;
  }
  const double rate = static_cast<double>(all.count()) / seconds;
  const double p50 = all.quantile(0.5) / 1e3, p99 = all.quantile(0.99) / 1e3;
  const double p999 = all.quantile(0.999) / 1e3;
  if (absl::GetFlag(FLAGS_json)) {
    std::printf("{\"requests_per_second\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,", rate, p50, p99);
    std::printf("\"p999_us\":%.2f,\"answers\":%" PRIu64 "}\n", p999, answers);
  } else {
    std::printf("%.0f requests/s, latency p50 %.1f us, p99 %.1f us, p99.9 %.1f us\n", rate, p50,
                p99, p999);
  }
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Loads a TCP echo server and measures it.");
  absl::ParseCommandLine(argc, argv);
  return bench::measure();
}
