// A little of everything in conc::io that needs a ring.
#ifndef CONC_TESTS_SUPPORT_IO_EXERCISE_H
#define CONC_TESTS_SUPPORT_IO_EXERCISE_H

#include <chrono>
#include <cstdlib>
#include <stop_token>
#include <string_view>
#include <system_error>

#include "conc/conc.h"
#include "support/sockets.h"

namespace conc_test {

// Whether this process has been told to do without io_uring.
inline bool forced_to_epoll() {
  const char* engine = std::getenv("CONC_IO");
  return engine != nullptr && std::string_view(engine) == "epoll";
}

inline void exercise(conc::runtime& rt) {
  namespace io = conc::io;
  rt.run([] {
    tcp_listener listener;
    auto [a, b] = socket_pair();
    conc::thread server([&] {
      const io::unique_fd fd(io::accept(listener.fd.get(), nullptr, nullptr));
      text_buffer t;
      while (const std::size_t n = io::recv(fd.get(), t.all(), 0)) {
        io::send(fd.get(), t.all().first(n), MSG_NOSIGNAL);
      }
    });
    {
      const io::unique_fd fd(io::socket(AF_INET, SOCK_STREAM, 0));
      EXPECT_EQ(io::connect(fd.get(), listener.where(), sizeof listener.address), 0);
      for (int i = 0; i < 100; ++i) {
        text_buffer t;
        EXPECT_EQ(io::send(fd.get(), bytes_of("round"), MSG_NOSIGNAL), 5u);
        EXPECT_EQ(io::recv(fd.get(), t.all(), 0), 5u);
      }
    }
    server.join();
    text_buffer t;
    std::error_code ec;
    EXPECT_EQ(io::recv(a.get(), t.all(), 0, ec, {.deadline = std::chrono::milliseconds(2)}), 0u);
    EXPECT_EQ(ec, std::errc::timed_out);
    std::stop_source source;
    conc::thread stopper([&] { source.request_stop(); });
    EXPECT_EQ(io::recv(a.get(), t.all(), 0, ec, {.stop = source.get_token()}), 0u);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    stopper.join();
    const temporary_file file;
    const io::unique_fd fd(io::open(file.path.c_str(), O_RDWR, 0));
    EXPECT_EQ(io::write(fd.get(), bytes_of("data")), 4u);
    EXPECT_EQ(io::fsync(fd.get()), 0);
  });
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_IO_EXERCISE_H
