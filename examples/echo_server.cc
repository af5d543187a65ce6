// A TCP echo server: one user-level thread a connection, each a plain loop of blocking calls.
//
// Prints "listening on PORT" when connections are accepted. With --clients it also talks to itself
// and checks every answer, so that it can be tried without another program.
#include <conc/io.h>
#include <conc/thread.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <span>
#include <stop_token>
#include <system_error>
#include <utility>
#include <vector>

#include "check.h"
#include "options.h"

namespace io = conc::io;

namespace {

void serve(io::stream_socket peer) {
  std::array<std::byte, 4096> buffer;
  std::error_code error;  // of a peer that has gone: nothing that could be done about it
  peer.set_no_delay(true, error);
  while (const std::size_t n = peer.recv(buffer, error)) {
    if (peer.send_all(std::span(buffer).first(n), error) == 0) return;
  }
}

void accept_until(io::listener& listener, std::stop_token stop) {
  for (;;) {
    std::error_code error;
    io::stream_socket peer = listener.accept(error, {.stop = stop});
    if (error == std::errc::operation_canceled) return;
    if (error) {
      // Most likely no descriptor is left: those who are served free some in time.
      std::fprintf(stderr, "accept: %s\n", error.message().c_str());
      conc::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    conc::thread(serve, std::move(peer)).detach();
  }
}

// A client that checks what comes back until it is told to stop.
void talk(io::socket_address server, unsigned number, std::stop_token stop) {
  io::stream_socket peer = io::stream_socket::connect(server);
  std::array<std::byte, 1000> question, answer;
  for (unsigned round = 0; round == 0 || !stop.stop_requested(); ++round) {
    std::fill(question.begin(), question.end(), std::byte(number + round));
    peer.send_all(question);
    if (peer.recv_exactly(answer) == 0) examples::fail("client %u: the server hung up", number);
    if (answer != question) examples::fail("client %u: round %u came back wrong", number, round);
  }
}

}  // namespace

int main(int argc, char** argv) {
  examples::options options(argc, argv);
  const unsigned port = options.number("port", 7777, "on 127.0.0.1; 0: any free one", 0);
  const unsigned clients = options.number("clients", 0, "of its own, that check the answers", 0);
  const std::chrono::duration<double> time(options.seconds(1e5, "until it ends"));
  options.finish();

  const auto at = io::socket_address::loopback(static_cast<std::uint16_t>(port));
  io::listener listener = io::listener::listen(at);
  std::printf("listening on %d\n", listener.local_port());
  std::fflush(stdout);

  std::stop_source stop;
  conc::thread acceptor(accept_until, std::ref(listener), stop.get_token());
  std::vector<conc::thread> talkers;
  for (unsigned i = 0; i < clients; ++i)
    talkers.emplace_back(talk, listener.local_address(), i, stop.get_token());

  conc::this_thread::sleep_for(time);
  stop.request_stop();
  for (conc::thread& t : talkers) t.join();
  acceptor.join();
}
