// An HTTP/1.1 server for the files in a folder: one user-level thread a connection, each a plain
// loop of blocking calls.
//
// Prints "listening on PORT". SIGTERM and SIGINT end it: nobody is let in any more, requests that
// have come are answered, and after --grace seconds whoever still reads is cut off.
#include <conc/io.h>
#include <conc/mutex.h>
#include <conc/task_group.h>
#include <conc/thread.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "http_connection.h"
#include "options.h"

namespace io = conc::io;
using std::chrono::seconds;

namespace {

// Who is connected, for the day that the server ends.
class visitors {
 public:
  void enter(int fd) {
    const std::scoped_lock lock(mutex_);
    present_.insert(fd);
    if (closing_) shutdown(fd);
  }
  // Before the descriptor is closed: afterwards its number may be somebody else's.
  void leave(int fd) {
    const std::scoped_lock lock(mutex_);
    present_.erase(fd);
  }
  // SHUT_RD: they read an end when they have read what had arrived. SHUT_RDWR: they fail.
  void show_out(int direction) {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
    direction_ = direction;
    for (const int fd : present_) shutdown(fd);
  }
  bool empty() {
    const std::scoped_lock lock(mutex_);
    return present_.empty();
  }

 private:
  void shutdown(int fd) {
    std::error_code gone;
    io::shutdown(fd, direction_, gone);
  }

  conc::mutex mutex_;
  std::unordered_set<int> present_;
  bool closing_ = false;
  int direction_ = SHUT_RD;
};

class server {
 public:
  server(io::listener listener, std::string root, const http::limits& limits)
      : listener_(std::move(listener)), files_(std::move(root)), limits_(limits) {}

  // Until stop(); then until all are gone.
  void run() {
    conc::task_group connections;
    for (;;) {
      std::error_code error;
      io::stream_socket socket = listener_.accept(error);
      if (error == std::errc::invalid_argument) break;  // shut down
      if (error) {
        // Most likely no descriptor is left: those who are served free some in time.
        std::fprintf(stderr, "accept: %s\n", error.message().c_str());
        conc::this_thread::sleep_for(std::chrono::milliseconds(10));
        continue;
      }
      try {
        connections.run([this, socket = std::move(socket)]() mutable { serve(std::move(socket)); });
      } catch (const std::exception& refused) {
        std::fprintf(stderr, "no thread: %s\n", refused.what());
      }
    }
    connections.wait();
  }

  void stop(seconds grace) {
    listener_.shutdown();
    visitors_.show_out(SHUT_RD);
    const auto end = std::chrono::steady_clock::now() + grace;
    while (!visitors_.empty() && std::chrono::steady_clock::now() < end) {
      conc::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    visitors_.show_out(SHUT_RDWR);
  }

 private:
  void serve(io::stream_socket socket) {
    const int fd = socket.fd();
    visitors_.enter(fd);
    http::connection c(std::move(socket), files_, limits_);
    try {
      c.serve();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "connection: %s\n", e.what());
    }
    visitors_.leave(fd);
  }

  io::listener listener_;
  http::files files_;
  visitors visitors_;
  const http::limits& limits_;
};

}  // namespace

int main(int argc, char** argv) {
  examples::options options(argc, argv);
  const std::string root = options.text("root", ".", "the folder to serve");
  const std::string host = options.text("host", "127.0.0.1", "numerals of the address");
  const unsigned port = options.number("port", 8080, "0: any free one", 0);
  const seconds grace(options.number("grace", 5, "seconds for answers after SIGTERM", 0));
  const http::limits limits{
      seconds(options.number("head-seconds", 10, "for a request's head to arrive")),
      seconds(options.number("idle-seconds", 60, "between two requests")),
      seconds(options.number("send-seconds", 30, "for a client to take 64 KiB")),
  };
  options.finish();

  // Blocked before there are other kernel threads, which inherit that: main() alone waits for them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  const auto at = io::socket_address::ip(host, static_cast<std::uint16_t>(port));
  io::listener listener = io::listener::listen(at);
  std::printf("listening on %d\n", listener.local_port());
  std::fflush(stdout);
  server s(std::move(listener), root, limits);
  conc::thread running([&] { s.run(); });
  int which = 0;
  sigwait(&ends, &which);
  s.stop(grace);
  running.join();
}
