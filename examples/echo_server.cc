// A TCP echo server: one user-level thread a connection, each a plain loop of blocking calls.
//
// Prints "listening on PORT" when connections are accepted. With --clients it also talks to itself
// and checks every answer, so that it can be tried without another program.
#include <arpa/inet.h>
#include <conc/io.h>
#include <conc/thread.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <span>
#include <stop_token>
#include <system_error>
#include <vector>

#include "check.h"
#include "options.h"

namespace io = conc::io;

namespace {

// Sends all of it; false if the peer has gone.
bool send_all(int fd, std::span<const std::byte> bytes) {
  std::error_code error;
  while (!bytes.empty() && !error) {
    bytes = bytes.subspan(io::send(fd, bytes, MSG_NOSIGNAL, error));
  }
  return !error;
}

void serve(io::unique_fd connection) {
  const int on = 1;
  setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::array<std::byte, 4096> buffer;
  std::error_code error;
  while (const std::size_t n = io::recv(connection.get(), buffer, 0, error)) {
    if (!send_all(connection.get(), std::span(buffer).first(n))) return;
  }
}

void accept_until(int listener, std::stop_token stop) {
  for (;;) {
    std::error_code error;
    io::unique_fd connection(io::accept(listener, nullptr, nullptr, error, {.stop = stop}));
    if (error == std::errc::operation_canceled) return;
    if (error) {
      // Most likely no descriptor is left: those who are served free some in time.
      std::fprintf(stderr, "accept: %s\n", error.message().c_str());
      conc::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    conc::thread(serve, std::move(connection)).detach();
  }
}

// A client that checks what comes back until it is told to stop.
void talk(sockaddr_in server, unsigned number, std::stop_token stop) {
  const io::unique_fd fd(io::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  io::connect(fd.get(), reinterpret_cast<const sockaddr*>(&server), sizeof server);
  std::array<std::byte, 1000> question, answer;
  for (unsigned round = 0; round == 0 || !stop.stop_requested(); ++round) {
    std::fill(question.begin(), question.end(), std::byte(number + round));
    if (!send_all(fd.get(), question)) examples::fail("client %u: the server hung up", number);
    if (io::recv(fd.get(), answer, MSG_WAITALL) != answer.size() || answer != question) {
      examples::fail("client %u: round %u came back wrong", number, round);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  examples::options options(argc, argv);
  const unsigned port = options.number("port", 7777, "on 127.0.0.1; 0: any free one", 0);
  const unsigned clients = options.number("clients", 0, "of its own, that check the answers", 0);
  const std::chrono::duration<double> time(options.seconds(1e5, "until it ends"));
  options.finish();

  const io::unique_fd listener(io::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  io::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), sizeof at);
  io::listen(listener.get(), SOMAXCONN);
  socklen_t length = sizeof at;
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &length);
  std::printf("listening on %d\n", ntohs(at.sin_port));
  std::fflush(stdout);

  std::stop_source stop;
  conc::thread acceptor(accept_until, listener.get(), stop.get_token());
  std::vector<conc::thread> talkers;
  for (unsigned i = 0; i < clients; ++i) talkers.emplace_back(talk, at, i, stop.get_token());
  conc::this_thread::sleep_for(time);
  stop.request_stop();
  for (conc::thread& t : talkers) t.join();
  acceptor.join();
}
